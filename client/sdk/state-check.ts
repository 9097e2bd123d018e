/** Asks the server, when all is quiet, whether both ends hold the same; syncs anew when they do not. */
import type * as Y from 'yjs'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { digestOf } from '../../shared/digest.ts'
import { WeftError, type WireError } from '../../shared/errors.ts'

export type StateCheckOptions = {
  readonly doc: Y.Doc
  readonly clock: Clock
  /** Changes that are not acknowledged. */
  readonly unsaved: () => number
  /** Does the server say that its store takes edits? */
  readonly isStoring: () => boolean
  readonly ask: (check: {
    readonly id: number
    readonly digest: string
    readonly attempt: number
  }) => void
  /** A whole handshake, on this connection. */
  readonly resync: () => void
  /** Leaves the document and asks to be let in again: answers that are missing do not come any more. */
  readonly reattach: () => void
  /** Both ends differ, and syncing does not help. */
  readonly onDiverged: (error: WireError) => void
}

/** Nothing changed for so long: what is on its way has arrived. */
const QUIET_MS = 4_000
/** Then so often, as long as nothing changes. */
const BEAT_MS = 60_000
/** After a handshake that should have mended it. */
const AGAIN_MS = 1_500
/** A change that hangs in the air waits for what it depends on, but not longer. */
const PENDING_MS = 500
const ATTEMPTS_MAX = 3

export class StateCheck {
  readonly #options: StateCheckOptions
  #cancel: Cancel = () => {}
  #cancelPending: Cancel | undefined
  #live = false
  /** Counts what comes from the server: an answer that it passed on the way proves nothing. */
  #received = 0
  #asked: { readonly id: number; readonly received: number } | undefined
  #nextId = 1
  #attempt = 0

  constructor(options: StateCheckOptions) {
    this.#options = options
  }

  /** The handshake is done. */
  start(): void {
    this.#live = true
    this.#wait(this.#attempt > 0 ? AGAIN_MS : QUIET_MS)
  }

  stop(): void {
    this.#live = false
    this.#asked = undefined
    this.#cancel()
    this.#cancelPending?.()
    this.#cancelPending = undefined
  }

  /** Something was changed here, or acknowledged. */
  touched(): void {
    if (this.#live && this.#asked === undefined) this.#wait(QUIET_MS)
  }

  /** An update came from the server. */
  received(): void {
    this.#received += 1
    this.touched()
    if (!this.#isPending || this.#cancelPending !== undefined) return
    this.#cancelPending = this.#options.clock.after(PENDING_MS, () => {
      this.#cancelPending = undefined
      if (this.#live && this.#isPending) this.#options.resync()
    })
  }

  answered(id: number, result: 'same' | 'different'): void {
    const asked = this.#asked
    if (asked?.id !== id || !this.#live) return
    this.#asked = undefined
    if (result === 'same') {
      this.#attempt = 0
      return this.#wait(BEAT_MS)
    }
    if (asked.received !== this.#received) return this.#wait(QUIET_MS)
    this.#attempt += 1
    if (this.#attempt >= ATTEMPTS_MAX) {
      const sentence = 'this copy and the server’s differ, and syncing does not mend it'
      return this.#options.onDiverged(new WeftError('REPLICAS_DIFFER', sentence).toWire())
    }
    this.#options.resync()
    this.#wait(AGAIN_MS)
  }

  get #isPending(): boolean {
    const { pendingStructs, pendingDs } = this.#options.doc.store
    return pendingStructs !== null || pendingDs !== null
  }

  #wait(ms: number): void {
    this.#cancel()
    this.#cancel = this.#options.clock.after(ms, () => this.#check())
  }

  #check(): void {
    const { doc, unsaved, isStoring, ask, reattach } = this.#options
    if (unsaved() > 0) {
      // While the store is away answers take as long as it does.
      if (!isStoring()) return this.#wait(QUIET_MS)
      return reattach()
    }
    const id = this.#nextId++
    this.#asked = { id, received: this.#received }
    ask({ id, digest: digestOf(doc), attempt: this.#attempt })
    // Not every question is answered: a server that has much to do passes them over.
    this.#cancel = this.#options.clock.after(BEAT_MS, () => {
      this.#asked = undefined
      this.#wait(0)
    })
  }
}
