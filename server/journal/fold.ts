/** Folds a document's tail into one state: what a snapshot holds. Runs in a thread, see fold-thread.ts. */
import * as Y from 'yjs'
import { claimWriters } from './id-owners.ts'
import type { IdOwners, StoredDocument } from './journal.ts'

export type FoldInput = Pick<StoredDocument, 'snapshot' | 'tail'>

export type Folded = {
  /** The document after all entries, as one update. */
  readonly state: Uint8Array
  readonly owners: IdOwners
}

/**
 * Throws when something is missing: a snapshot with a hole in it must never be written.
 */
export function fold({ snapshot, tail }: FoldInput): Folded {
  const doc = new Y.Doc()
  const owners = new Map(snapshot?.owners)
  try {
    // One transaction around all: each would otherwise pay for its own clean-up.
    doc.transact(() => {
      if (snapshot !== null) Y.applyUpdate(doc, snapshot.state)
      for (const entry of tail) {
        claimWriters(owners, doc, entry)
        Y.applyUpdate(doc, entry.update)
      }
    })
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
      throw new Error('the entries do not add up: an update depends on one that is not there')
    }
    const state = Y.encodeStateAsUpdate(doc)
    refuseUnreadable(state, doc)
    return { state, owners }
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
