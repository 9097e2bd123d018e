/** Changes that other nodes have shown us, and that may not be durable: theirs to store, at first. */
import { crc32 } from 'node:zlib'
import * as Y from 'yjs'
import type { HeldChange, ToldChange } from '../fanout/document-message.ts'
import type { UnsavedBudget } from './unsaved.ts'

/** It is durable when its node says so of everything up to its count. */
export type ForeignChange = HeldChange & {
  /** When it came, monotonic ms. */
  readonly since: number
}

/**
 * A document is what is durable, what this node has to store, and these. Nothing of ours may be
 * durable before what it depends on: whoever opened the document then would find a hole. So what
 * one of our changes leans on is adopted: this node stores it too, first. The same change twice in
 * the journal is the same document.
 */
export class ForeignChanges {
  readonly #budget: UnsavedBudget
  #changes: ForeignChange[] = []
  /** By client, the first clock that may not be durable; undefined when it has to be found anew. */
  #firstClocks: ReadonlyMap<number, number> | undefined

  constructor(budget: UnsavedBudget) {
    this.#budget = budget
  }

  get size(): number {
    return this.#changes.length
  }

  get all(): readonly ForeignChange[] {
    return this.#changes
  }

  add(change: ForeignChange): void {
    this.#changes.push(change)
    this.#firstClocks = undefined
    this.#budget.add(change.update.byteLength)
  }

  /** A node says that all it told up to `count` is durable. */
  durableUpTo(node: string, count: number): void {
    this.#keep(change => change.node !== node || change.count > count)
  }

  /** These were read from the journal. */
  found(entries: readonly { readonly author: string; readonly update: Uint8Array }[]): void {
    if (this.#changes.length === 0) return
    const stored = new Set(entries.map(fingerprint))
    this.#keep(change => !stored.has(fingerprint(change)))
  }

  /** All of them, to be stored by this node, in the order in which they came. */
  take(): readonly ForeignChange[] {
    const taken = this.#changes
    this.#keep(() => false)
    return taken
  }

  /** When the oldest came (monotonic ms); undefined when there is none. */
  get oldestSince(): number | undefined {
    return this.#changes[0]?.since
  }

  /** Does this change of ours depend on any of them? */
  isNeededBy(update: Uint8Array): boolean {
    if (this.#changes.length === 0) return false
    const first = (this.#firstClocks ??= firstClocksOf(this.#changes))
    const isForeign = ({ client, clock }: Y.ID) => clock >= (first.get(client) ?? Infinity)
    const { structs, ds } = Y.decodeUpdate(update)
    for (const struct of structs) {
      const { client, clock } = struct.id
      if (clock > 0 && isForeign(Y.createID(client, clock - 1))) return true
      if (!(struct instanceof Y.Item)) continue
      const parent = struct.parent instanceof Y.ID ? struct.parent : null
      for (const id of [struct.origin, struct.rightOrigin, parent]) {
        if (id !== null && isForeign(id)) return true
      }
    }
    return [...ds.clients].some(([client, ranges]) =>
      ranges.some(({ clock, len }) => isForeign(Y.createID(client, clock + len - 1))),
    )
  }

  #keep(isKept: (change: ForeignChange) => boolean): void {
    const kept = this.#changes.filter(isKept)
    if (kept.length === this.#changes.length) return
    for (const change of this.#changes) {
      if (!isKept(change)) this.#budget.add(-change.update.byteLength)
    }
    this.#changes = kept
    this.#firstClocks = undefined
  }
}

function firstClocksOf(changes: readonly ForeignChange[]): ReadonlyMap<number, number> {
  const first = new Map<number, number>()
  for (const { update } of changes) {
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      first.set(client, Math.min(first.get(client) ?? clock, clock))
    }
  }
  return first
}

/** Two changes that are taken for one by mistake would have to share author, length and checksum. */
function fingerprint({ author, update }: Pick<ToldChange, 'author' | 'update'>): string {
  return `${update.byteLength} ${crc32(update)} ${author}`
}
