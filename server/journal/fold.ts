/** Folds updates into one state: what a snapshot holds. Runs in a thread, see fold-thread.ts. */
import * as Y from 'yjs'

export type FoldInput = {
  readonly state: Uint8Array | null
  readonly updates: readonly Uint8Array[]
}

/**
 * The state of a document after all updates, as one update. Throws when something is missing: a
 * snapshot with a hole in it must never be written.
 */
export function fold({ state, updates }: FoldInput): Uint8Array {
  const doc = new Y.Doc()
  try {
    // One transaction around all: each would otherwise pay for its own clean-up.
    doc.transact(() => {
      if (state !== null) Y.applyUpdate(doc, state)
      for (const update of updates) Y.applyUpdate(doc, update)
    })
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
      throw new Error('the entries do not add up: an update depends on one that is not there')
    }
    const folded = Y.encodeStateAsUpdate(doc)
    refuseUnreadable(folded, doc)
    return folded
  } finally {
    doc.destroy()
  }
}

/** Whoever opens the document has only these bytes: what cannot be read back must not be written. */
function refuseUnreadable(folded: Uint8Array, doc: Y.Doc): void {
  const copy = new Y.Doc()
  try {
    Y.applyUpdate(copy, folded)
    const [wanted, found] = [doc, copy].map(one => Y.decodeStateVector(Y.encodeStateVector(one)))
    const isSame =
      wanted?.size === found?.size &&
      [...(wanted ?? [])].every(([client, clock]) => found?.get(client) === clock)
    if (!isSame) throw new Error('the folded state does not read back as what it was made of')
  } finally {
    copy.destroy()
  }
}
