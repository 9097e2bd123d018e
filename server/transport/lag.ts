/** A client that reads too slowly: it gets no more single changes, and later one for all of them. */
import * as Y from 'yjs'
import type { LiveDocument } from '../documents/live-document.ts'

export class Lag {
  readonly #document: LiveDocument
  /** What the client has for sure; undefined while it keeps up. */
  #vector: Map<number, number> | undefined

  constructor(document: LiveDocument) {
    this.#document = document
  }

  get isBehind(): boolean {
    return this.#vector !== undefined
  }

  /**
   * From here on the client misses changes, `updates` first. The document holds them already, so
   * the client has what the document has without them.
   */
  begin(updates: readonly Uint8Array[]): void {
    if (this.isBehind) return
    const vector = Y.decodeStateVector(this.#document.stateVector())
    for (const update of updates) {
      for (const [client, clock] of Y.parseUpdateMeta(update).from) {
        vector.set(client, Math.min(vector.get(client) ?? 0, clock))
      }
    }
    this.#vector = vector
  }

  /** Everything that was missed, as one update; undefined when nothing was. */
  end(): Uint8Array | undefined {
    const vector = this.#vector
    this.#vector = undefined
    if (vector === undefined) return undefined
    return Y.encodeStateAsUpdate(this.#document.doc, Y.encodeStateVector(vector))
  }
}
