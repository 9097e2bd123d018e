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
    return Y.encodeStateAsUpdate(doc)
  } finally {
    doc.destroy()
  }
}
