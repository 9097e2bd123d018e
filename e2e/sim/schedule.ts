/** Virtual time: events in order of their time, each run to its last microtask before the next. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { realImmediate } from './globals.ts'

type Event = {
  readonly at: number
  readonly order: number
  readonly scope: Scope
  action: (() => void) | undefined
}

/** Whose event it is: a process that crashes takes its timers along. */
export class Scope {
  readonly name: string
  /** Timers that are set and have not fired. */
  pending = 0
  #alive = true

  constructor(name: string) {
    this.name = name
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Nothing of it runs any more. */
  kill(): void {
    this.#alive = false
  }
}

const START = 1_700_000_000_000

export class Schedule {
  #now = START
  #order = 0
  /** A binary heap: the next event first. */
  readonly #heap: Event[] = []
  #eventCount = 0

  /** Ms since the start of the simulation. */
  get elapsed(): number {
    return this.#now - START
  }

  get wallTime(): number {
    return this.#now
  }

  get eventCount(): number {
    return this.#eventCount
  }

  clock(scope: Scope): Clock {
    return {
      now: () => this.#now,
      monotonic: () => this.elapsed,
      after: (delayMs, action) => this.after(scope, delayMs, action),
    }
  }

  after(scope: Scope, delayMs: number, action: () => void): Cancel {
    if (!scope.alive) return () => {}
    // Whole milliseconds: events meet at one moment, as they do on a busy machine; never too early.
    const at = this.#now + Math.max(0, Math.ceil(delayMs))
    const event: Event = { at, order: this.#order++, scope, action }
    scope.pending += 1
    this.#push(event)
    return () => {
      if (event.action === undefined) return
      event.action = undefined
      scope.pending -= 1
    }
  }

  /** Runs everything up to `spanMs` from now, and `afterEach` once the dust of an event settled. */
  async run(spanMs: number, afterEach: () => void): Promise<void> {
    const until = this.#now + spanMs
    await settle()
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop()
      const { action, scope } = next
      if (action === undefined) continue
      next.action = undefined
      scope.pending -= 1
      if (!scope.alive) continue
      this.#now = next.at
      this.#eventCount += 1
      action()
      await settle()
      afterEach()
    }
    this.#now = until
  }

  #push(event: Event): void {
    const heap = this.#heap
    let i = heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (isBefore(last, heap[child]!)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Lets every microtask of the event run: no promise of the simulated programs waits for real I/O. */
function settle(): Promise<void> {
  return new Promise(resolve => void realImmediate(resolve))
}
