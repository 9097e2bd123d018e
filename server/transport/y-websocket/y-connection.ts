/** One socket at /y/<document name>: the same documents for stock y-websocket clients. */
import * as decoding from 'lib0/decoding'
import { WeftError, toWeftError } from '../../../shared/errors.ts'
import { syncStep, type HandshakePart } from '../../../shared/frames.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { ControlMessage, SchemaRange } from '../../../shared/protocol.ts'
import { openableName } from '../../../shared/system-names.ts'
import type { Pass, Situation } from '../../access/pass.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { DocumentHold } from '../../documents/documents.ts'
import type { ClientSocket } from '../client-socket.ts'
import type { DocumentDoor } from '../document-door.ts'
import { EarlyFrames } from '../early-frames.ts'
import { pack, type PackedFrame } from '../packed-frame.ts'
import type { SyncPeer } from '../sync-peer.ts'
import type { SyncSession } from '../sync-session.ts'
import {
  readYFrame,
  yFormat,
  yKeepAliveFrame,
  yMessageType,
  yPermissionDeniedFrame,
} from './y-frames.ts'

export type YConnectionOptions = {
  readonly socket: ClientSocket
  readonly door: DocumentDoor
  readonly situation: Situation
  readonly metrics: Metrics
  /** As it stands in the address; not checked yet. */
  readonly name: string
  readonly token: string
  readonly schema: SchemaRange | undefined
  /** Most bytes that may wait while the document is opening. */
  readonly queueBytesMax: number
  readonly onAuthenticated: (principal: Principal) => void
  readonly onClose: () => void
}

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'syncing'; readonly session: SyncSession }
  | { readonly kind: 'ended' }

const packedKeepAlive = pack(yKeepAliveFrame)

export class YConnection implements SyncPeer {
  readonly format = yFormat
  readonly countsAcknowledgements = true
  readonly checksState = false
  readonly #options: YConnectionOptions
  /** Aborts when the client leaves while the document is still opening. */
  readonly #leaving = new AbortController()
  readonly #early: EarlyFrames<Uint8Array>
  #state: State = { kind: 'opening' }

  constructor(options: YConnectionOptions) {
    this.#options = options
    this.#early = new EarlyFrames(options.socket.backlog, options.queueBytesMax * 2)
    options.socket.listen({
      onFrame: bytes => this.#onFrame(bytes),
      onDrain: () => {
        if (this.#state.kind === 'syncing') this.#state.session.onDrain()
      },
      onStuck: () => {
        const sentence = 'the document is not open yet, and too much waits for it'
        this.end(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
      },
      onTooFast: error => this.end(error),
      onClose: () => {
        this.#leaving.abort()
        if (this.#state.kind === 'syncing') this.#state.session.close()
        this.#state = { kind: 'ended' }
        options.onClose()
      },
    })
    void this.#open()
  }

  keepAlive(): void {
    this.send(packedKeepAlive)
  }

  close(error: WeftError): void {
    this.end(error)
  }

  async #open(): Promise<void> {
    const { door, token, situation } = this.#options
    let pass: Pass | undefined
    try {
      const name = openableName(this.#options.name)
      const principal = await door.identify(token, situation)
      this.#options.onAuthenticated(principal)
      const wait = { signal: this.#leaving.signal, onUnavailable: () => {} }
      pass = await door.admit(name, { principal, situation, ...wait })
      const hold = await door.open(name, { pass, ...wait })
      if (this.#state.kind === 'opening') this.#enter(hold, pass)
      else {
        hold.release()
        pass.close()
      }
    } catch (error) {
      pass?.close()
      this.end(toWeftError(error))
    }
  }

  /** Throws when the client may not read the document any more. */
  #enter(hold: DocumentHold, pass: Pass): void {
    try {
      pass.require('read')
    } catch (error) {
      hold.release()
      throw error
    }
    const { door, schema } = this.#options
    const session = door.enter({ hold, pass, peer: this, schema, onEnd: () => {} })
    this.#state = { kind: 'syncing', session }
    session.ask('handshake')
    for (const bytes of this.#early.take()) this.#take(bytes)
  }

  #onFrame(bytes: Uint8Array): void {
    this.#count(bytes)
    this.#take(bytes)
  }

  #take(bytes: Uint8Array): void {
    if (this.#state.kind === 'ended') return
    if (this.#state.kind === 'opening') {
      // What has no room the client brings again: it is asked for all it has when the document opens.
      this.#early.add(bytes, bytes.byteLength)
      return
    }
    try {
      this.#toSession(bytes, this.#state.session)
    } catch (error) {
      // This protocol has no other way to name an error than to end with it.
      if (error instanceof WeftError) throw error
      throw new WeftError('FRAME_INVALID', 'a frame that cannot be read', { cause: error })
    }
  }

  #count(bytes: Uint8Array): void {
    const kind = bytes[0] === yMessageType.sync ? 'sync' : 'other'
    const document = this.#state.kind === 'syncing' ? this.#options.name : undefined
    this.#options.socket.count({ kind, bytes: bytes.byteLength, document })
  }

  #toSession(bytes: Uint8Array, session: SyncSession): void {
    const { type, decoder } = readYFrame(bytes)
    switch (type) {
      case yMessageType.sync: {
        const step = decoding.readVarUint(decoder)
        const payload = decoding.readVarUint8Array(decoder)
        if (step === syncStep.step1) return session.onStep1(payload)
        if (step === syncStep.step2) return session.onStep2(payload)
        if (step === syncStep.update) return session.onUpdate(payload)
        throw new WeftError('FRAME_INVALID', `a sync message of unknown step ${step}`)
      }
      case yMessageType.awareness:
        return session.onAwareness(decoding.readVarUint8Array(decoder))
      case yMessageType.queryAwareness:
        return session.onQueryAwareness()
      default:
        throw new WeftError('FRAME_INVALID', `a message of unknown type ${type}`)
    }
  }

  get isCongested(): boolean {
    return this.#options.socket.isCongested
  }

  send(frame: PackedFrame): void {
    this.#options.socket.send(frame)
  }

  handshake(step: HandshakePart['step'], payload: Uint8Array): void {
    this.send(pack(this.format.sync(step, payload)))
  }

  acknowledge(): void {
    // The protocol knows no acknowledgement.
  }

  askForToken(): void {
    // Nor any way to send another token.
  }

  control(message: ControlMessage): void {
    if (message.type !== 'weft.error' && message.type !== 'weft.access') return
    const { error } = message
    if (error !== undefined)
      this.send(pack(yPermissionDeniedFrame(`${error.code}: ${error.message}`)))
  }

  end(error: WeftError): void {
    if (this.#state.kind === 'ended') return
    const { session } = this.#state.kind === 'syncing' ? this.#state : { session: undefined }
    this.#state = { kind: 'ended' }
    this.#leaving.abort()
    session?.close()
    this.send(pack(yPermissionDeniedFrame(`${error.code}: ${error.message}`)))
    this.#options.socket.close(error)
  }
}
