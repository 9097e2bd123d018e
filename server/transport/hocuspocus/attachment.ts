/** One client on one document over Hocuspocus: asks to be let in, waits, then syncs. */
import type { Connection } from '@hocuspocus/server'
import { WeftError, toWeftError } from '../../../shared/errors.ts'
import {
  awarenessFrame,
  closeFrame,
  handshakeFrame,
  messageType,
  nameOfAddress,
  permissionDeniedFrame,
  statelessFrame,
  syncFrame,
  syncStatusFrame,
  syncStep,
  type Frame,
  type HandshakePart,
} from '../../../shared/frames.ts'
import { quoteName, type DocumentName } from '../../../shared/names.ts'
import type { Principal } from '../../../shared/permissions.ts'
import {
  encodeControlMessage,
  type ClientHello,
  type ControlMessage,
  type SchemaRange,
} from '../../../shared/protocol.ts'
import { openableName } from '../../../shared/system-names.ts'
import * as decoding from 'lib0/decoding'
import type { Pass, Situation } from '../../access/pass.ts'
import type { DocumentHold } from '../../documents/documents.ts'
import type { DocumentDoor } from '../document-door.ts'
import type { EarlyFrames } from '../early-frames.ts'
import { pack, type PackedFrame } from '../packed-frame.ts'
import type { SyncSession } from '../sync-session.ts'
import type { FrameFormat, SyncPeer } from '../sync-peer.ts'
import { Refusal, type LobbyGuest } from './lobby.ts'
import { OpeningFrames, sizeOf } from './opening-frames.ts'
import { serverHello } from './server-hello.ts'

export type AttachmentOptions = {
  /** The address that the client gave, and that all answers carry. */
  readonly address: string
  readonly hello: ClientHello | undefined
  /** What the address of the socket said of the schema, for clients without a hello. */
  readonly schema: SchemaRange | undefined
  readonly door: DocumentDoor
  readonly situation: Situation
  readonly sendFrame: (frame: PackedFrame) => void
  /** Does the client read more slowly than it is sent to? */
  readonly isCongested: () => boolean
  /** For what comes while the document is opening. */
  readonly early: EarlyFrames<Frame>
  /** May so many bytes of somebody unknown be kept? One budget for all documents of a socket. */
  readonly takesUnknown: (bytes: number) => boolean
  /** The client showed a valid token. */
  readonly onAuthenticated: (principal: Principal) => void
  /** A frame that had to wait for the document turns out to be unreadable. */
  readonly onBadFrame: (error: unknown) => void
  /** Called once; the attachment takes no more frames. */
  readonly onEnd: (error: WeftError | null) => void
}

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'syncing'; readonly session: SyncSession }
  | { readonly kind: 'ended' }

export class Attachment implements LobbyGuest, SyncPeer {
  readonly format: FrameFormat
  readonly countsAcknowledgements: boolean
  readonly checksState: boolean
  readonly #options: AttachmentOptions
  /** Aborts when the client leaves while the document is still opening. */
  readonly #leaving = new AbortController()
  readonly #early: OpeningFrames
  #state: State = { kind: 'opening' }
  /** Of the numbered frames; stock clients send none. */
  #lastNumber: number
  #pass: Pass | undefined
  #hold: DocumentHold | undefined
  #connection: Connection | undefined
  /** Why we end it; null while it goes on, and when the client leaves by itself. */
  #reason: WeftError | null = null

  constructor(options: AttachmentOptions) {
    const { address, hello } = options
    this.#options = options
    this.#lastNumber = hello?.lastFrame ?? 0
    this.countsAcknowledgements = hello !== undefined
    this.#early = new OpeningFrames({
      early: options.early,
      countsAll: this.countsAcknowledgements,
    })
    this.checksState = (hello?.protocol ?? 0) >= 2
    this.format = {
      key: `hocuspocus ${address}`,
      sync: (step, payload) => syncFrame(address, step, payload),
      awareness: update => awarenessFrame(address, update),
      message: payload => statelessFrame(address, payload),
    }
  }

  get address(): string {
    return this.#options.address
  }

  /** The client got as far as the document itself. */
  get wasOpen(): boolean {
    return this.#connection !== undefined
  }

  // --- what the lobby asks -------------------------------------------------------------------

  async authenticate(token: string): Promise<{ readonly readOnly: boolean }> {
    try {
      const name = this.#name()
      const { door, situation, onAuthenticated } = this.#options
      const principal = await door.identify(token, situation)
      onAuthenticated(principal)
      const pass = await door.admit(name, { principal, situation, ...this.#wait })
      this.#pass = pass
      return { readOnly: pass.writing().access === 'read' }
    } catch (error) {
      throw this.#refuse(toWeftError(error))
    }
  }

  async open(): Promise<void> {
    const pass = this.#pass
    if (pass === undefined) throw new Refusal('gone')
    const { door, hello } = this.#options
    try {
      this.#hold = await door.open(this.#name(), { pass, ...this.#wait })
      await this.#bringUp(this.#hold, pass)
      const { incarnation } = this.#hold.document
      if (hello?.incarnation !== undefined && hello.incarnation !== incarnation) {
        const sentence = `${quoteName(this.#name())} is another document by now`
        throw new WeftError('INCARNATION_MISMATCH', sentence)
      }
    } catch (error) {
      throw this.#refuse(toWeftError(error))
    }
  }

  get #wait() {
    const onUnavailable = (error: WeftError) => this.#tell(error)
    return { signal: this.#leaving.signal, onUnavailable }
  }

  async #bringUp(hold: DocumentHold, pass: Pass): Promise<void> {
    try {
      await this.#options.door.bringUp(hold, { pass, schema: this.#schema })
    } catch (error) {
      // It can still be read, and written by those who understand it as it is.
      this.#tell(toWeftError(error))
    }
  }

  get #schema(): SchemaRange | undefined {
    return this.#options.hello?.schema ?? this.#options.schema
  }

  connected(connection: Connection): void {
    const [hold, pass] = [this.#hold, this.#pass]
    if (this.#state.kind !== 'opening' || hold === undefined || pass === undefined) return
    // It may have changed while the document was opening.
    const refusal = pass.refusal('read')
    if (refusal !== undefined) return this.end(refusal)
    this.#connection = connection
    const { door, hello } = this.#options
    const schema = this.#schema
    if (hello !== undefined) {
      const { asking } = hello
      const { document } = hold
      this.control(serverHello({ document, pass, terms: door.terms, schema, asking }))
    }
    const onEnd = () => this.#ended()
    const session = door.enter({ hold, pass, peer: this, schema, onEnd })
    this.#state = { kind: 'syncing', session }
    session.onDropped(this.#early.dropped)
    for (const frame of this.#early.take()) this.#onQueued(frame)
  }

  /** Nothing is thrown into Hocuspocus: it would deny the client, and the session would live on. */
  #onQueued(frame: Frame): void {
    try {
      this.onFrame(frame)
    } catch (error) {
      this.#options.onBadFrame(error)
    }
  }

  async refresh(token: string): Promise<void> {
    try {
      const { door, situation } = this.#options
      if (this.#pass !== undefined) await door.renew(this.#pass, token, situation)
    } catch (error) {
      const refusal = toWeftError(error)
      // Keys or grants that cannot be read just now say nothing about the token.
      if (refusal.retryable) this.#tell(refusal)
      else this.end(refusal)
    }
  }

  /** Sync and presence. Throws whatever is wrong with the frame. */
  onFrame(frame: Frame): void {
    if (this.#state.kind === 'opening') return this.#queue(frame)
    if (this.#state.kind === 'ended') return
    const { session } = this.#state
    switch (frame.type) {
      case messageType.sync:
      case messageType.syncReply:
        return this.#onSync(session, frame.decoder)
      case messageType.awareness:
        return session.onAwareness(decoding.readVarUint8Array(frame.decoder))
      case messageType.queryAwareness:
        return session.onQueryAwareness()
    }
  }

  #onSync(session: SyncSession, decoder: decoding.Decoder): void {
    const step = decoding.readVarUint(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    if (step === syncStep.step1) return session.onStep1(payload)
    if (decoding.hasContent(decoder) && !this.#isNext(decoding.readVarUint(decoder))) return
    if (step === syncStep.step2) session.onStep2(payload)
    else if (step === syncStep.update) session.onUpdate(payload)
    else throw new WeftError('FRAME_INVALID', `a sync message of unknown step ${step}`)
  }

  /** undefined until the document is open for it. */
  get session(): SyncSession | undefined {
    return this.#state.kind === 'syncing' ? this.#state.session : undefined
  }

  /** Doubled frames are passed over; after a lost one nobody knows what an answer is about. */
  #isNext(number: number): boolean {
    if (number <= this.#lastNumber) return false
    if (number === this.#lastNumber + 1) {
      this.#lastNumber = number
      return true
    }
    const sentence = `frame ${number} came after frame ${this.#lastNumber}`
    this.end(new WeftError('DOCUMENT_UNAVAILABLE', sentence, { retryAfterMs: 100 }))
    return false
  }

  /** Over the limit an update is dropped and counted: the handshake brings it again. */
  #queue(frame: Frame): void {
    const isKnown = this.#pass !== undefined
    if (isKnown || this.#options.takesUnknown(sizeOf(frame))) this.#early.add(frame)
    else this.#early.drop(frame)
  }

  /** Others on this socket have waited enough for what lies here. */
  shed(): void {
    if (this.#state.kind === 'opening') this.#early.shed()
  }

  /** The client says goodbye, or its socket is gone. */
  leave(): void {
    if (this.#state.kind === 'syncing') this.#state.session.close()
    this.#ended()
  }

  // --- what the session answers --------------------------------------------------------------

  get isCongested(): boolean {
    return this.#options.isCongested()
  }

  send(frame: PackedFrame): void {
    this.#options.sendFrame(frame)
  }

  /** Ours hear which document it is about; they are let in with a hello. */
  handshake(step: HandshakePart['step'], payload: Uint8Array): void {
    const { address, hello } = this.#options
    const incarnation = this.#hold?.document.incarnation
    const frame =
      hello === undefined || incarnation === undefined
        ? syncFrame(address, step, payload)
        : handshakeFrame(address, { step, payload, incarnation })
    this.send(pack(frame))
  }

  onDrain(): void {
    if (this.#state.kind === 'syncing') this.#state.session.onDrain()
  }

  acknowledge(status: Parameters<SyncPeer['acknowledge']>[0]): void {
    this.send(pack(syncStatusFrame(this.#options.address, status)))
  }

  askForToken(): void {
    this.#connection?.requestToken()
  }

  control(message: ControlMessage): void {
    this.send(pack(statelessFrame(this.#options.address, encodeControlMessage(message))))
  }

  end(error: WeftError): void {
    if (this.#state.kind === 'ended') return
    this.#reason = error
    // Before anything ends: the socket may go with it, and the client is to know why.
    this.#tell(error)
    this.send(pack(closeFrame(this.#options.address, error.code)))
    if (this.#state.kind === 'syncing') this.#state.session.close()
    this.#ended()
  }

  /** Throws NAME_INVALID or NAME_RESERVED. */
  #name(): DocumentName {
    return openableName(nameOfAddress(this.#options.address))
  }

  /** Tells the client why, then gives Hocuspocus the short form of it. */
  #refuse(error: WeftError): Refusal {
    if (this.#state.kind !== 'ended') {
      this.#tell(error)
      this.send(pack(permissionDeniedFrame(this.#options.address, error.code)))
      this.#reason = error
      this.#ended()
    }
    return new Refusal(error.code)
  }

  #tell(error: WeftError): void {
    this.control({ type: 'weft.error', error: error.toWire() })
  }

  #ended(): void {
    if (this.#state.kind === 'ended') return
    this.#state = { kind: 'ended' }
    this.#early.take()
    this.#leaving.abort()
    this.#hold?.release()
    this.#pass?.close()
    this.#options.onEnd(this.#reason)
    this.#connection?.close()
  }
}
