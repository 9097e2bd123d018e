/** Makes a Y.Doc of what the journal holds, and tells whose the ids in it are; refuses what does not add up. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import { claimWriters } from '../journal/id-owners.ts'
import type { IdOwners, StoredDocument } from '../journal/journal.ts'

export type LoadedDoc = { readonly doc: Y.Doc; readonly owners: IdOwners }

/** Throws DOCUMENT_DAMAGED when an update cannot be read or depends on one that is not there. */
export function loadDoc({ head, snapshot, tail }: StoredDocument): LoadedDoc {
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
  } catch (error) {
    doc.destroy()
    const sentence = `${quoteName(head.name)}: its updates cannot be read`
    throw new WeftError('DOCUMENT_DAMAGED', sentence, { cause: error })
  }
  if (doc.store.pendingStructs === null && doc.store.pendingDs === null) return { doc, owners }
  doc.destroy()
  const sentence = `${quoteName(head.name)}: an update depends on one that is not stored`
  throw new WeftError('DOCUMENT_DAMAGED', sentence)
}
