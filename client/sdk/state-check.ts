/** Asks the server, when all is quiet, whether both ends hold the same; syncs anew when they do not. */
import type * as Y from 'yjs'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { digestOf } from '../../shared/digest.ts'
import { WeftError, type WireError } from '../../shared/errors.ts'
import type { CheckedMessage } from '../../shared/protocol.ts'

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
  /** Does the server answer every question? One that does not gets to be asked again. */
  readonly isAnswering: () => boolean
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
/** An answer that is not there by then, while nothing else comes either, does not come. */
const ANSWER_MS = 30_000
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

  /** Is it the answer that is waited for? */
  isAwaiting(id: number): boolean {
    return this.#live && this.#asked?.id === id
  }

  answered(id: number, result: CheckedMessage['result']): void {
    const asked = this.#asked
    if (asked?.id !== id || !this.#live) return
    this.#asked = undefined
    // What is not acknowledged was the reason to ask: see #check.
    if (result === 'unknown' || this.#options.unsaved() > 0) return this.#wait(QUIET_MS)
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
    // While the store is away answers take as long as it does: all there is to ask is whether it is.
    if (unsaved() > 0 && isStoring()) return reattach()
    const id = this.#nextId++
    this.#asked = { id, received: this.#received }
    ask({ id, digest: digestOf(doc), attempt: this.#attempt })
    this.#cancel()
    this.#cancel = this.#options.clock.after(ANSWER_MS, () => this.#onSilence())
  }

  /** The question or its answer was lost, or the server has ended this document and that was. */
  #onSilence(): void {
    const { isAnswering, reattach } = this.#options
    const isSilent = this.#asked?.received === this.#received
    this.#asked = undefined
    if (isSilent && isAnswering()) return reattach()
    this.#wait(ANSWER_MS)
  }
}
