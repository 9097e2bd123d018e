/** A clock that stands still until a test moves it; timers fire in order of their time. */
import type { Cancel, Clock } from './clock.ts'

type Timer = { readonly at: number; readonly order: number; readonly action: () => void }

export class ManualClock implements Clock {
  #now: number
  #order = 0
  #timers = new Set<Timer>()

  constructor(startAt = 1_000_000) {
    this.#now = startAt
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(delayMs: number, action: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, action }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Moves time on by `spanMs`, firing what falls due on the way. */
  advance(spanMs: number): void {
    const until = this.#now + spanMs
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.action()
    }
    this.#now = until
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > until) continue
      const earlier =
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order)
      if (earlier) first = timer
    }
    return first
  }
}
