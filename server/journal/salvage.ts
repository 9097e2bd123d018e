/** Makes the best state of a damaged document: everything that can be read and fits together. */
import * as Y from 'yjs'

export type Salvage = {
  readonly state: Uint8Array
  /** Updates that could not be applied, because they cannot be read or depend on lost ones. */
  readonly lost: number
}

/** `updates` in order of their seqs, without those that fail their check. Never throws. */
export function salvage(base: Uint8Array | null, updates: readonly Uint8Array[]): Salvage {
  const doc = new Y.Doc()
  let lost = 0
  const apply = (update: Uint8Array) => {
    try {
      Y.applyUpdate(doc, update)
    } catch {
      // Passed its checksum and is no update: what a bug once stored, and nothing to keep.
      lost += 1
    }
  }
  if (base !== null) apply(base)
  for (const update of updates) apply(update)
  // What waits for something lost would wait for ever; the state is made of what is whole.
  const { store } = doc
  if (store.pendingStructs !== null) lost += store.pendingStructs.missing.size
  store.pendingStructs = null
  store.pendingDs = null
  const state = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return { state, lost }
}
