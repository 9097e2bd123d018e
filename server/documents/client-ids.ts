/**
 * Whose Yjs client ids are whose, as far as this node has seen. Everybody on a document can read the
 * others' ids; without an owner anybody could write the next change in another's name, and that
 * one's own changes, made offline, would be taken for known and vanish.
 */

/** Ids of one document that are remembered; the oldest are forgotten first. */
const IDS_MAX = 5_000

export class ClientIds {
  readonly #owners = new Map<number, string>()

  /** Has somebody else written, or shown himself, under this id? */
  isForeign(clientId: number, principalId: string): boolean {
    const owner = this.#owners.get(clientId)
    return owner !== undefined && owner !== principalId
  }

  /** First come, first served; an id that has an owner keeps it. */
  claim(clientId: number, principalId: string): void {
    if (this.#owners.has(clientId)) return
    this.#owners.set(clientId, principalId)
    if (this.#owners.size <= IDS_MAX) return
    const [oldest] = this.#owners.keys()
    if (oldest !== undefined) this.#owners.delete(oldest)
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
