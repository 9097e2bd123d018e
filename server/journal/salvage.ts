/** Makes the best state of a damaged document: everything that can be read and fits together. */
import * as Y from 'yjs'
import { claimWriters } from './id-owners.ts'
import type { Entry, IdOwners, Snapshot } from './journal.ts'

export type Salvage = {
  readonly state: Uint8Array
  readonly owners: IdOwners
  /** Updates that could not be applied, because they cannot be read or depend on lost ones. */
  readonly lost: number
}

/** What came of a repair. */
export type RepairReport = {
  /** Sentences of what was found wrong; empty when there was nothing to repair. */
  readonly damage: readonly string[]
  /** The seq at which the document goes on. */
  readonly seq: number
  /** Readable updates that could not be kept, because they depend on lost ones. */
  readonly lost: number
}

/** `entries` in order of their seqs, without those that fail their check. Never throws. */
export function salvage(base: Snapshot | null, entries: readonly Entry[]): Salvage {
  const doc = new Y.Doc()
  const owners = new Map(base?.owners)
  let lost = 0
  const apply = (update: Uint8Array, entry?: Entry) => {
    try {
      if (entry !== undefined) claimWriters(owners, doc, entry)
      Y.applyUpdate(doc, update)
    } catch {
      // Passed its checksum and is no update: what a bug once stored, and nothing to keep.
      lost += 1
    }
  }
  if (base !== null) apply(base.state)
  for (const entry of entries) apply(entry.update, entry)
  // What waits for something lost would wait for ever; the state is made of what is whole.
  const { store } = doc
  if (store.pendingStructs !== null) lost += store.pendingStructs.missing.size
  store.pendingStructs = null
  store.pendingDs = null
  const state = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return { state, owners, lost }
}
