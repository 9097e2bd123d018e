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
  readonly conditions: Pick<Append, 'schema' | 'afterSeq'>
  readonly resolve: (seq: number) => void
  readonly reject: (error: WeftError) => void
}

/** Where a change came from. */
export type UnsavedSource =
  /** Made through this node, which tells the others; `count` counts what it has told. */
  | { readonly kind: 'own'; readonly count: number }
  /** Another node's, which we store as well. */
  | { readonly kind: 'adopted' }
  | { readonly kind: 'guarded'; readonly change: GuardedChange }

type Waiting = {
  readonly entry: NewEntry
  readonly since: number
  readonly source: UnsavedSource
}

/** What goes to the journal next. */
export type UnsavedBatch = {
  readonly entries: readonly NewEntry[]
  readonly sources: readonly UnsavedSource[]
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
    return this.#entries.find(({ source }) => source.kind !== 'guarded')?.since
  }

  /** What is in the document and waits, oldest first. */
  get entries(): readonly NewEntry[] {
    return this.#entries.flatMap(({ entry, source }) => (source.kind === 'guarded' ? [] : entry))
  }

  push(entry: NewEntry, { since, source }: Pick<Waiting, 'since' | 'source'>): void {
    this.#entries.push({ entry, since, source })
    if (source.kind === 'guarded') this.#guardedCount += 1
    this.#count(entry.update.byteLength)
  }

  /** The oldest: a guarded one alone, or others, at least one, up to `bytesMax` together. */
  peek(bytesMax: number): UnsavedBatch {
    const entries: NewEntry[] = []
    const sources: UnsavedSource[] = []
    let bytes = 0
    for (const { entry, source } of this.#entries) {
      if (source.kind === 'guarded') {
        if (entries.length > 0) break
        return { entries: [entry], sources: [source], guarded: source.change }
      }
      bytes += entry.update.byteLength
      if (entries.length > 0 && bytes > bytesMax) break
      entries.push(entry)
      sources.push(source)
    }
    return { entries, sources, guarded: null }
  }

  /** Takes all guarded changes out: they are not in the document, and may be refused. */
  takeGuarded(): readonly GuardedChange[] {
    const taken = this.#entries.flatMap(({ source }) =>
      source.kind === 'guarded' ? source.change : [],
    )
    for (const { entry } of taken) this.#count(-entry.update.byteLength)
    this.#entries = this.#entries.filter(({ source }) => source.kind !== 'guarded')
    this.#guardedCount = 0
    return taken
  }

  /** Takes the oldest `count` off: they are durable. */
  shift(count: number): void {
    const saved = this.#entries.splice(0, count)
    for (const { entry, source } of saved) {
      this.#count(-entry.update.byteLength)
      if (source.kind === 'guarded') this.#guardedCount -= 1
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
