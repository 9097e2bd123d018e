/** Sends a document's changes: a burst as one frame, nothing over the limit, each one accounted for. */
import * as Y from 'yjs'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError, type WireError } from '../../shared/errors.ts'
import { numberedFrame, syncStep } from '../../shared/frames.ts'
import type { Outbox } from './outbox.ts'

export type UpdateSenderOptions = {
  readonly address: string
  readonly doc: Y.Doc
  readonly outbox: Outbox
  readonly send: (frame: Uint8Array) => void
  readonly clock: Clock
  /** A change is larger than the server takes, and stays on this device. */
  readonly onTooLarge: (error: WireError) => void
}

type Piece = {
  readonly update: Uint8Array
  readonly change: number
  readonly restart?: boolean
}

const EMPTY_UPDATE = Uint8Array.of(0, 0)
/** How often it is looked whether a change that was too large has become smaller. */
const RETRY_MS = 2_000
/** Until the server names its own. */
const UPDATE_BYTES_MAX = 1 << 20

export class UpdateSender {
  readonly #options: UpdateSenderOptions
  #bytesMax = UPDATE_BYTES_MAX
  /** Our half of the handshake is sent: from then on changes are sent as they are made. */
  #flows = false
  /**
   * A change is too large, and whatever was made after it leans on it: nothing is sent until the
   * two of them fit, because the server could do nothing with the rest, and an answer to the rest
   * would look like one to all.
   */
  #stuck = false
  /** What the server had when it last asked. */
  #serverVector: Uint8Array | undefined
  #cancelRetry: Cancel | undefined
  #gathered: Uint8Array[] = []

  constructor(options: UpdateSenderOptions) {
    this.#options = options
  }

  get flows(): boolean {
    return this.#flows
  }

  limitTo(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  /** A change was made, and is in the outbox. */
  changed(update: Uint8Array): void {
    if (!this.#flows) return
    if (this.#stuck) return this.#retryLater()
    this.#gathered.push(update)
    // A loop that makes a thousand changes makes one frame.
    if (this.#gathered.length === 1) queueMicrotask(() => this.#flush())
  }

  /** The server asks for what it lacks: our changes are in the answer, or follow it in pieces. */
  answer(stateVector: Uint8Array): void {
    const { doc, outbox } = this.#options
    this.#flush()
    this.#serverVector = stateVector
    this.#stuck = false
    const missing = Y.encodeStateAsUpdate(doc, stateVector)
    this.#flows = true
    if (missing.byteLength <= this.#bytesMax) {
      return this.#sendUpdate(syncStep.step2, {
        update: missing,
        change: outbox.made,
        restart: true,
      })
    }
    this.#sendUpdate(syncStep.step2, { update: EMPTY_UPDATE, change: outbox.saved, restart: true })
    for (const piece of this.#pieces()) {
      if (this.#stuck) return
      this.#sendUpdate(syncStep.update, piece)
    }
  }

  /** What was too large may have been undone since: then everything goes as one. */
  #retryLater(): void {
    this.#cancelRetry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined
      if (!this.#flows || !this.#stuck) return
      const { doc, outbox } = this.#options
      const update = Y.encodeStateAsUpdate(doc, this.#serverVector)
      if (update.byteLength > this.#bytesMax) return
      this.#stuck = false
      this.#sendUpdate(syncStep.update, { update, change: outbox.made, restart: true })
    })
  }

  /** The next handshake carries everything again. */
  stop(): void {
    this.#flows = false
    this.#stuck = false
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#gathered = []
    this.#options.outbox.disconnected()
  }

  /** Unsaved changes in their order, in as few updates as the limit allows. */
  #pieces(): readonly Piece[] {
    const pieces: { updates: Uint8Array[]; bytes: number; change: number }[] = []
    for (const { update, change } of this.#options.outbox.changes) {
      const last = pieces.at(-1)
      if (last !== undefined && last.bytes + update.byteLength <= this.#bytesMax) {
        last.updates.push(update)
        last.bytes += update.byteLength
        last.change = change
      } else pieces.push({ updates: [update], bytes: update.byteLength, change })
    }
    return pieces.map(({ updates, change }) => ({ update: merge(updates), change }))
  }

  #flush(): void {
    const gathered = this.#gathered
    this.#gathered = []
    if (gathered.length === 0 || !this.#flows) return
    const change = this.#options.outbox.made
    this.#sendUpdate(syncStep.update, { update: merge(gathered), change })
  }

  #sendUpdate(step: 1 | 2, { update, change, restart = false }: Piece): void {
    const { address, outbox, send, onTooLarge } = this.#options
    if (update.byteLength > this.#bytesMax) {
      // Not sent: the server would refuse it, every time.
      this.#stuck = true
      const sentence = `a change of ${update.byteLength} bytes; the limit is ${this.#bytesMax}`
      return onTooLarge(new WeftError('UPDATE_TOO_LARGE', sentence).toWire())
    }
    const number = outbox.sent(change, { restart })
    send(numberedFrame(address, { step, update, number }))
  }
}

function merge(updates: readonly Uint8Array[]): Uint8Array {
  const [first] = updates
  return updates.length === 1 && first !== undefined ? first : Y.mergeUpdates([...updates])
}
