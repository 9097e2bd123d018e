/** A document's digest (see shared/digest.ts), computed once for all who ask. */
import type * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import { digestOf } from '../../shared/digest.ts'

/** It costs a walk over the whole document: not more often than this, however often it changes. */
const PAUSE_MS = 1_000

export class DocumentDigest {
  readonly #doc: Y.Doc
  readonly #clock: Clock
  #known: { readonly at: number; readonly digest: string } | undefined
  #isCurrent = false

  constructor(doc: Y.Doc, clock: Clock) {
    this.#doc = doc
    this.#clock = clock
  }

  changed(): void {
    this.#isCurrent = false
  }

  /** Undefined when it was computed too recently and is true no more. */
  get(): string | undefined {
    if (this.#isCurrent) return this.#known?.digest
    const at = this.#clock.monotonic()
    if (this.#known !== undefined && at - this.#known.at < PAUSE_MS) return undefined
    const digest = digestOf(this.#doc)
    this.#known = { at, digest }
    this.#isCurrent = true
    return digest
  }
}
