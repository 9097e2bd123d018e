/** Edits that are not durable yet: in order, counted, and never dropped. */
import type { Append, NewEntry } from '../journal/journal.ts'
import type { WeftError } from '../../shared/errors.ts'

/** How much may wait for the store, over all documents of a node. */
export class UnsavedBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isSpent(): boolean {
    return this.#bytes >= this.#bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }
}

/**
 * A change that nobody sees before it is durable. It is appended alone, in its turn: what it
 * depends on is durable before it, and when it is refused nothing else is refused with it.
 */
export type GuardedChange = {
  readonly entry: NewEntry
  readonly schema?: Append['schema']
  readonly resolve: (seq: number) => void
  readonly reject: (error: WeftError) => void
}

type Waiting = {
  readonly entry: NewEntry
  readonly since: number
  readonly guarded: GuardedChange | null
}

/** What goes to the journal next. */
export type UnsavedBatch = {
  readonly entries: readonly NewEntry[]
  readonly guarded: GuardedChange | null
}

/** A document's own queue. Versions count its changes: change n is durable once n are shifted. */
export class Unsaved {
  readonly #budget: UnsavedBudget
  #entries: Waiting[] = []
  #guardedCount = 0
  #bytes = 0

  constructor(budget: UnsavedBudget) {
    this.#budget = budget
  }

  /** Changes that are in the document and not durable. */
  get count(): number {
    return this.#entries.length - this.#guardedCount
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest edit began to wait (monotonic ms); undefined when nothing waits. */
  get oldestSince(): number | undefined {
    return this.#entries.find(({ guarded }) => guarded === null)?.since
  }

  push(entry: NewEntry, since: number): void {
    this.#entries.push({ entry, since, guarded: null })
    this.#count(entry.update.byteLength)
  }

  pushGuarded(guarded: GuardedChange, since: number): void {
    const { entry } = guarded
    this.#entries.push({ entry, since, guarded })
    this.#guardedCount += 1
    this.#count(entry.update.byteLength)
  }

  /** The oldest: a guarded one alone, or others, at least one, up to `bytesMax` together. */
  peek(bytesMax: number): UnsavedBatch {
    const entries: NewEntry[] = []
    let bytes = 0
    for (const { entry, guarded } of this.#entries) {
      if (guarded !== null) {
        if (entries.length === 0) return { entries: [entry], guarded }
        break
      }
      bytes += entry.update.byteLength
      if (entries.length > 0 && bytes > bytesMax) break
      entries.push(entry)
    }
    return { entries, guarded: null }
  }

  /** Takes all guarded changes out: they are not in the document, and may be refused. */
  takeGuarded(): readonly GuardedChange[] {
    const taken = this.#entries.flatMap(({ guarded }) => guarded ?? [])
    for (const { entry } of taken) this.#count(-entry.update.byteLength)
    this.#entries = this.#entries.filter(({ guarded }) => guarded === null)
    this.#guardedCount = 0
    return taken
  }

  /** Takes the oldest `count` off: they are durable. */
  shift(count: number): void {
    const saved = this.#entries.splice(0, count)
    for (const { entry, guarded } of saved) {
      this.#count(-entry.update.byteLength)
      if (guarded !== null) this.#guardedCount -= 1
    }
  }

  /** Gives the budget back when the document ends with edits that nobody can store any more. */
  drop(): void {
    this.shift(this.#entries.length)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#budget.add(bytes)
  }
}
