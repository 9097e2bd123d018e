/**
 * Whose Yjs client ids are whose, in a document that is open. Everybody on a document can read the
 * others' ids; without an owner anybody could write the next change in another's name, and that
 * one's own changes, made offline, would be taken for known and vanish. Who wrote under which id is
 * in the journal (`id-owners.ts`), so it outlives the document's time in memory and the server.
 */
import type * as Y from 'yjs'
import { claimId, claimWriters } from '../journal/id-owners.ts'
import type { IdOwners, NewEntry } from '../journal/journal.ts'

type Writer = {
  readonly principalId: string
  /** A state, in answer to a question, not a change as it was made. */
  readonly handsOver: boolean
}

type Session = { readonly principalId: string }

export class ClientIds {
  /** Who wrote under an id. */
  readonly #owners: Map<number, string>
  /** Who shows himself under an id, and has perhaps not written yet: until the session ends. */
  readonly #shown = new Map<number, Session>()

  constructor(owners?: IdOwners) {
    this.#owners = new Map(owners)
  }

  /**
   * May this principal write under the id? Whoever hands over a state may hold what others wrote
   * before the server crashed, and nobody stored: it is taken from him as long as its author has
   * not written since. After that it can be nothing but a forgery, for all of the author's is here.
   */
  mayWrite(clientId: number, { principalId, handsOver }: Writer): boolean {
    const owner = this.#owners.get(clientId)
    if (owner !== undefined) return owner === principalId
    const shown = this.#shown.get(clientId)?.principalId
    return handsOver || shown === undefined || shown === principalId
  }

  /** First come, first served; an id that has an owner keeps it. */
  claim(clientIds: readonly number[], principalId: string): void {
    for (const clientId of clientIds) claimId(this.#owners, clientId, principalId)
  }

  /** The same for what an entry writes, before it is applied. */
  claimWriters(doc: Y.Doc, entry: NewEntry): void {
    claimWriters(this.#owners, doc, entry)
  }

  show(clientId: number, session: Session): void {
    if (!this.#shown.has(clientId)) this.#shown.set(clientId, session)
  }

  hide(session: object): void {
    for (const [id, shown] of this.#shown) if (shown === session) this.#shown.delete(id)
  }
}
