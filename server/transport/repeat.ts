/** What was told since the last beat, as one update. */
import * as Y from 'yjs'
import type { LiveDocument } from '../documents/live-document.ts'

/** Merging costs by the piece; beyond that the document itself is asked. */
const PIECES_MAX = 300

export class Repeat {
  readonly #document: LiveDocument
  #pieces: Uint8Array[] = []
  /** What the document had before more came than is kept. */
  #since: Map<number, number> | undefined

  constructor(document: LiveDocument) {
    this.#document = document
  }

  add(updates: readonly Uint8Array[]): void {
    if (this.#since !== undefined) return
    this.#pieces.push(...updates)
    if (this.#pieces.length <= PIECES_MAX) return
    this.#since = vectorBefore(this.#document, this.#pieces)
    this.#pieces = []
  }

  /** Undefined when nothing happened. */
  take(): Uint8Array | undefined {
    const [pieces, since] = [this.#pieces, this.#since]
    this.#pieces = []
    this.#since = undefined
    if (since !== undefined) {
      return Y.encodeStateAsUpdate(this.#document.doc, Y.encodeStateVector(since))
    }
    return pieces.length === 0 ? undefined : Y.mergeUpdates(pieces)
  }
}

/** The state vector of the document without these of its updates. */
export function vectorBefore(
  document: LiveDocument,
  updates: readonly Uint8Array[],
): Map<number, number> {
  const vector = Y.decodeStateVector(document.stateVector())
  for (const update of updates) {
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      vector.set(client, Math.min(vector.get(client) ?? 0, clock))
    }
  }
  return vector
}
