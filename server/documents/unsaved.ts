/** Edits that are not durable yet: in order, counted, and never dropped. */
import type { NewEntry } from '../journal/journal.ts'

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

/** A document's own queue. Versions count its changes: change n is durable once n are shifted. */
export class Unsaved {
  readonly #budget: UnsavedBudget
  #entries: { readonly entry: NewEntry; readonly since: number }[] = []
  #bytes = 0

  constructor(budget: UnsavedBudget) {
    this.#budget = budget
  }

  get count(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest edit began to wait (monotonic ms); undefined when nothing waits. */
  get oldestSince(): number | undefined {
    return this.#entries[0]?.since
  }

  push(entry: NewEntry, since: number): void {
    this.#entries.push({ entry, since })
    this.#count(entry.update.byteLength)
  }

  /** The oldest entries, at least one, up to `bytesMax` together. */
  peek(bytesMax: number): readonly NewEntry[] {
    const batch: NewEntry[] = []
    let bytes = 0
    for (const { entry } of this.#entries) {
      bytes += entry.update.byteLength
      if (batch.length > 0 && bytes > bytesMax) break
      batch.push(entry)
    }
    return batch
  }

  /** Takes the oldest `count` off: they are durable. */
  shift(count: number): void {
    const saved = this.#entries.splice(0, count)
    for (const { entry } of saved) this.#count(-entry.update.byteLength)
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
