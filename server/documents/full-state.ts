/** The whole document as bytes for those who join, without encoding it anew for each of them. */
import * as Y from 'yjs'

/** Updates since the last encoding are sent behind it, up to this many and these bytes. */
const UPDATES_MAX = 200
const BYTES_MAX = 64 << 10

/**
 * One encoding, and the updates that came after it: together they are the document. Encoding a
 * large document takes tens of milliseconds, and a hundred people join at once.
 */
export class FullState {
  readonly #doc: Y.Doc
  #base: Uint8Array | undefined
  #since: Uint8Array[] = []
  #sinceBytes = 0

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  /** Call it with every update of the document, in order. */
  add(update: Uint8Array): void {
    if (this.#base === undefined) return
    this.#since.push(update)
    this.#sinceBytes += update.byteLength
    if (this.#since.length > UPDATES_MAX || this.#sinceBytes > BYTES_MAX) this.#forget()
  }

  /** Updates that make the whole document, to be applied in this order; the first is the largest. */
  get(): readonly [Uint8Array, ...Uint8Array[]] {
    this.#base ??= Y.encodeStateAsUpdate(this.#doc)
    return [this.#base, ...this.#since]
  }

  #forget(): void {
    this.#base = undefined
    this.#since = []
    this.#sinceBytes = 0
  }
}
