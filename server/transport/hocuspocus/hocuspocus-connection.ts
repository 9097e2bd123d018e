/** One socket at /sync: reads each frame's address and leads it where it belongs. */
import { WeftError } from '../../../shared/errors.ts'
import {
  messageType,
  nameOfAddress,
  permissionDeniedFrame,
  pingFrame,
  pongFrame,
  readFrame,
  readTokenMessage,
  readdress,
  statelessFrame,
  type Frame,
} from '../../../shared/frames.ts'
import type { Principal } from '../../../shared/permissions.ts'
import {
  encodeControlMessage,
  parseClientHello,
  type SchemaRange,
} from '../../../shared/protocol.ts'
import * as decoding from 'lib0/decoding'
import type { Cancel, Clock } from '../../../shared/clock.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { ClientSocket } from '../client-socket.ts'
import type { Situation } from '../../access/pass.ts'
import type { DocumentDoor } from '../document-door.ts'
import { EarlyFrames } from '../early-frames.ts'
import { pack } from '../packed-frame.ts'
import { Attachment } from './attachment.ts'
import { toAttachment } from './client-message.ts'
import type { Lobby } from './lobby.ts'

export type HocuspocusConnectionOptions = {
  readonly socket: ClientSocket
  /** What the socket's address says of the application's schema. */
  readonly schema: SchemaRange | undefined
  readonly lobby: Lobby
  readonly door: DocumentDoor
  readonly situation: Situation
  readonly clock: Clock
  readonly metrics: Metrics
  readonly limits: {
    readonly documentsMax: number
    readonly queueBytesMax: number
    /** Larger messages are none of ours, and are not read. */
    readonly messageBytesMax: number
    /** Without a valid token after this time the socket is closed. */
    readonly authTimeoutMs: number
  }
  /** Called when the client has shown a valid token, perhaps more than once. */
  readonly onAuthenticated: (principal: Principal) => void
  readonly onClose: () => void
}

type Seat = { readonly id: string; readonly attachment: Attachment }

/** Hocuspocus takes a Request for its hooks; weft's hooks do not look at it. */
const request = new Request('http://weft.invalid/sync')
const packedPing = pack(pingFrame)
const packedPong = pack(pongFrame)
/** What is dropped of it comes again with the handshake. */
const UNKNOWN_BYTES_MAX = 64 << 10
/** As long as an address may be: a name, a separator, and the session id of a provider. */
const ADDRESS_LENGTH_MAX = 400

export class HocuspocusConnection {
  readonly #options: HocuspocusConnectionOptions
  readonly #client: ReturnType<Lobby['handleConnection']>
  /** By the address that the client uses. */
  readonly #seats = new Map<string, Seat>()
  /**
   * By the address that Hocuspocus sees: a number of our own for each attachment. It keeps its
   * tables in plain objects, where a document called `constructor` would be there already, and a
   * client that comes back to a document before it has quite left would meet itself.
   */
  readonly #guests = new Map<string, Seat>()
  readonly #cancelAuthTimeout: Cancel
  #nextId = 1
  #understandsPing = false
  /** Kept of somebody who has not shown a token. */
  #unknownBytes = 0

  constructor(options: HocuspocusConnectionOptions) {
    const { socket, lobby, clock, limits } = options
    this.#options = options
    this.#client = lobby.handleConnection(
      {
        get readyState() {
          return socket.isOpen ? WebSocket.OPEN : WebSocket.CLOSED
        },
        send: (data: unknown) => this.#fromLobby(data as Uint8Array),
        close: () => socket.close(new WeftError('FRAME_INVALID', 'not understood')),
      },
      request,
      { guestAt: id => this.#guests.get(id)?.attachment },
    )
    this.#cancelAuthTimeout = clock.after(limits.authTimeoutMs, () =>
      socket.close(new WeftError('TOKEN_MISSING', 'no valid token in time')),
    )
    socket.listen({
      onFrame: bytes => this.#onFrame(bytes),
      onDrain: () => {
        for (const { attachment } of this.#seats.values()) attachment.onDrain()
      },
      onStuck: () => {
        for (const { attachment } of this.#seats.values()) attachment.shed()
      },
      onTooFast: error => this.close(error),
      onClose: () => this.#onClose(),
    })
  }

  /** Something for the client's own watch over its connection: browsers hide pings from it. */
  keepAlive(): void {
    if (this.#understandsPing) this.#options.socket.send(packedPing)
  }

  /** Ends every document and the socket. */
  close(error: WeftError): void {
    for (const { attachment } of this.#seats.values()) attachment.end(error)
    this.#options.socket.close(error)
  }

  #onFrame(bytes: Uint8Array): void {
    if (bytes.byteLength === 1 && bytes[0] === messageType.pong) return this.#count(bytes)
    if (bytes.byteLength === 1 && bytes[0] === messageType.ping) {
      this.#count(bytes)
      return this.#options.socket.send(packedPong)
    }
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch (error) {
      throw new WeftError('FRAME_INVALID', 'a frame without a readable head', { cause: error })
    }
    if (frame.address.length > ADDRESS_LENGTH_MAX) {
      throw new WeftError('NAME_INVALID', `an address of ${frame.address.length} characters`)
    }
    const seat = this.#seats.get(frame.address)
    this.#count(bytes, { frame, seat })
    if (frame.type === messageType.auth) return this.#onAuth(frame, bytes, seat)
    // A document that was refused or closed goes on sending for a while: nobody else's concern.
    if (seat === undefined) return
    try {
      this.#toSeat(frame, seat)
    } catch (error) {
      this.#refuseFrame(seat, error)
    }
  }

  #count(
    { byteLength: bytes }: Uint8Array,
    known?: { frame: Frame; seat: Seat | undefined },
  ): void {
    const type = known?.frame.type
    const isSync = type === messageType.sync || type === messageType.syncReply
    const attachment = known?.seat?.attachment
    const document = attachment?.wasOpen === true ? nameOfAddress(attachment.address) : undefined
    this.#options.socket.count({ kind: isSync ? 'sync' : 'other', bytes, document })
  }

  #toSeat(frame: Frame, { attachment }: Seat): void {
    switch (frame.type) {
      case messageType.sync:
      case messageType.syncReply:
      case messageType.awareness:
      case messageType.queryAwareness:
        return attachment.onFrame(frame)
      case messageType.stateless:
        return toAttachment(frame, attachment, this.#options.limits.messageBytesMax)
      case messageType.close:
        return attachment.leave()
      default:
        throw new WeftError('FRAME_INVALID', `a message of unknown type ${frame.type}`)
    }
  }

  /** The frame is dropped and its document told; a broken client hurts nobody but itself. */
  #refuseFrame({ attachment }: Seat, error: unknown): void {
    const { socket, metrics } = this.#options
    // Decoders of lib0 throw plain errors when bytes end too early.
    const refusal =
      error instanceof WeftError
        ? error
        : new WeftError('FRAME_INVALID', 'a frame that cannot be read', { cause: error })
    metrics.refusals.inc({ code: refusal.code })
    socket.log.info({ code: refusal.code, reason: refusal.message }, 'frame refused')
    attachment.control({ type: 'weft.error', error: refusal.toWire() })
  }

  #onAuth(frame: Frame, bytes: Uint8Array, seat: Seat | undefined): void {
    const message = readToken(frame)
    if (message === undefined) throw new WeftError('FRAME_INVALID', 'an auth message without token')
    // On a live attachment this is a fresh token; Hocuspocus hands it to the onTokenSync hook.
    if (seat !== undefined) return this.#client.handleMessage(readdress(frame, seat.id))
    const { limits, door, situation, socket, metrics } = this.#options
    if (this.#seats.size >= limits.documentsMax) {
      const sentence = `${this.#seats.size} documents are open on this socket`
      return this.#refuseSeat(frame.address, new WeftError('TOO_MANY_DOCUMENTS', sentence))
    }
    const hello = parseClientHello(message.hello)
    if (hello === undefined && message.hello !== '') {
      const error = new WeftError('REQUEST_INVALID', 'the hello behind the token cannot be read')
      return this.#refuseSeat(frame.address, error)
    }
    this.#understandsPing ||= hello !== undefined || Number.parseInt(message.version, 10) >= 4
    const { address } = frame
    const id = `seat-${this.#nextId++}`
    const attachment = new Attachment({
      address,
      hello,
      schema: this.#options.schema,
      door,
      situation,
      sendFrame: outgoing => socket.send(outgoing),
      isCongested: () => socket.isCongested,
      early: new EarlyFrames(socket.backlog, limits.queueBytesMax * 2),
      takesUnknown: bytes => (this.#unknownBytes += bytes) <= UNKNOWN_BYTES_MAX,
      onAuthenticated: principal => this.#onAuthenticated(principal),
      onBadFrame: error => this.#refuseFrame(taken, error),
      onEnd: error => {
        this.#guests.delete(id)
        if (this.#seats.get(address)?.id === id) this.#seats.delete(address)
        if (error === null) return
        metrics.refusals.inc({ code: error.code })
        const refusal = { document: address, code: error.code, reason: error.message }
        socket.log.info(refusal, 'document refused')
        // A stock provider whose document is closed stays attached and dead: only a new socket
        // brings it back, or tells it the code. Other documents on it reconnect, which is short,
        // so they are spared only when coming back would be no use.
        const isWorthIt = error.retryable || this.#seats.size === 0
        if (attachment.wasOpen && hello === undefined && isWorthIt) socket.close(error)
      },
    })
    const taken: Seat = { id, attachment }
    this.#seats.set(address, taken)
    this.#guests.set(id, taken)
    this.#client.handleMessage(readdress(readFrame(bytes), id))
  }

  #onAuthenticated(principal: Principal): void {
    this.#cancelAuthTimeout()
    this.#options.onAuthenticated(principal)
  }

  #refuseSeat(address: string, error: WeftError): void {
    const { socket, metrics } = this.#options
    metrics.refusals.inc({ code: error.code })
    const told = encodeControlMessage({ type: 'weft.error', error: error.toWire() })
    socket.send(pack(statelessFrame(address, told)))
    socket.send(pack(permissionDeniedFrame(address, error.code)))
  }

  /** What Hocuspocus wants to say, under the address that the client knows. */
  #fromLobby(bytes: Uint8Array): void {
    const frame = readFrame(bytes)
    const attachment = this.#guests.get(frame.address)?.attachment
    // An attachment that has ended has said so itself.
    if (attachment === undefined) return
    attachment.send(pack(readdress(frame, attachment.address)))
  }

  #onClose(): void {
    this.#cancelAuthTimeout()
    for (const { attachment } of this.#seats.values()) attachment.leave()
    this.#client.handleClose()
    this.#options.onClose()
  }
}

function readToken({ decoder }: Frame): ReturnType<typeof readTokenMessage> {
  try {
    return readTokenMessage(decoding.clone(decoder))
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'an auth message that ends too early', { cause: error })
  }
}
