/**
 * Whose Yjs client ids are whose, as far as this node has seen. Everybody on a document can read the
 * others' ids; without an owner anybody could write the next change in another's name, and that
 * one's own changes, made offline, would be taken for known and vanish.
 */

type Writer = {
  readonly principalId: string
  /** A state, in answer to a question, not a change as it was made. */
  readonly handsOver: boolean
}

type Session = { readonly principalId: string }

/** Ids of one document that are remembered; the oldest are forgotten first. */
const IDS_MAX = 5_000

export class ClientIds {
  /** Who wrote under an id. */
  readonly #owners = new Map<number, string>()
  /** Who shows himself under an id, and has perhaps not written yet: until the session ends. */
  readonly #shown = new Map<number, Session>()

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
  claim(clientId: number, principalId: string): void {
    if (this.#owners.has(clientId)) return
    this.#owners.set(clientId, principalId)
    if (this.#owners.size <= IDS_MAX) return
    const [oldest] = this.#owners.keys()
    if (oldest !== undefined) this.#owners.delete(oldest)
  }

  show(clientId: number, session: Session): void {
    if (!this.#shown.has(clientId)) this.#shown.set(clientId, session)
  }

  hide(session: object): void {
    for (const [id, shown] of this.#shown) if (shown === session) this.#shown.delete(id)
  }
}

/** Documents whose ids are remembered while nobody has them open. */
const DOCUMENTS_MAX = 10_000

/** By the document's life: what was claimed outlives its time in memory, for those who are offline. */
export class ClientIdRegistry {
  readonly #documents = new Map<string, ClientIds>()

  of(incarnation: string): ClientIds {
    const found = this.#documents.get(incarnation) ?? new ClientIds()
    // Last used last: the first is the one to forget.
    this.#documents.delete(incarnation)
    this.#documents.set(incarnation, found)
    if (this.#documents.size > DOCUMENTS_MAX) {
      const [oldest] = this.#documents.keys()
      if (oldest !== undefined) this.#documents.delete(oldest)
    }
    return found
  }
}
