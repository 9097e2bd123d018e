/** The last things that were told, to be said once more when it has become quiet. */
import * as Y from 'yjs'

/** Merging costs by the piece, and what was lost is nearly always among the last. */
const PIECES_MAX = 20

export class Repeat {
  #pieces: Uint8Array[] = []
  #isFresh = false

  add(updates: readonly Uint8Array[]): void {
    this.#isFresh = true
    this.#pieces.push(...updates)
    if (this.#pieces.length > 2 * PIECES_MAX) this.#pieces = this.#pieces.slice(-PIECES_MAX)
  }

  /** Call it once a beat: undefined while things go on, and when nothing has happened. */
  takeWhenQuiet(): Uint8Array | undefined {
    const [pieces, isFresh] = [this.#pieces, this.#isFresh]
    this.#isFresh = false
    if (isFresh || pieces.length === 0) return undefined
    this.#pieces = []
    return Y.mergeUpdates(pieces.slice(-PIECES_MAX))
  }
}
