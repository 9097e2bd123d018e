/**
 * Whose the Yjs client ids of a document are: each belongs to whoever was the first to write under
 * it. Told by the entries alone, so that a restart forgets nothing and every node says the same.
 */
import * as Y from 'yjs'
import type { Entry } from './journal.ts'

/** Ids of one document that are remembered; the oldest are forgotten first. */
const IDS_MAX = 5_000

/** First come, first served; an id that has an owner keeps it. */
export function claimId(owners: Map<number, string>, clientId: number, principalId: string): void {
  if (owners.has(clientId)) return
  owners.set(clientId, principalId)
  if (owners.size <= IDS_MAX) return
  const [oldest] = owners.keys()
  if (oldest !== undefined) owners.delete(oldest)
}

/**
 * Claims, for its author, each id under which the entry writes something that the document does
 * not have yet; call it before the entry is applied. A handed-over state claims nothing: it may
 * hold what others wrote. Throws when the bytes are no update.
 */
export function claimWriters(
  owners: Map<number, string>,
  { store }: Y.Doc,
  { author, handsOver, update }: Pick<Entry, 'author' | 'handsOver' | 'update'>,
): void {
  if (handsOver === true) return
  for (const [clientId, end] of Y.parseUpdateMeta(update).to) {
    if (end > Y.getState(store, clientId)) claimId(owners, clientId, author)
  }
}
