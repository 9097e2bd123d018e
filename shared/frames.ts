/**
 * The frames of the Hocuspocus v4 protocol: an address, a message type, a payload.
 * Both ends use this one file. Source: @hocuspocus/common and @hocuspocus/provider 4.8.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export const messageType = {
  sync: 0,
  awareness: 1,
  auth: 2,
  queryAwareness: 3,
  /** A sync message that asks for no sync in return. */
  syncReply: 4,
  stateless: 5,
  broadcastStateless: 6,
  close: 7,
  syncStatus: 8,
  ping: 9,
  pong: 10,
} as const

export const syncStep = { step1: 0, step2: 1, update: 2 } as const
export type SyncStep = (typeof syncStep)[keyof typeof syncStep]

export const authType = { token: 0, permissionDenied: 1, authenticated: 2 } as const

/** Keep-alive frames are one byte and carry no address. */
export const pingFrame: Uint8Array = Uint8Array.of(messageType.ping)
export const pongFrame: Uint8Array = Uint8Array.of(messageType.pong)

/** A frame whose head has been read; `decoder` stands at the payload. */
export type Frame = {
  readonly address: string
  readonly type: number
  readonly decoder: decoding.Decoder
}

/** Reads the head. Throws whatever lib0 throws on garbage: the caller answers FRAME_INVALID. */
export function readFrame(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes)
  const address = decoding.readVarString(decoder)
  return { address, type: decoding.readVarUint(decoder), decoder }
}

/**
 * An address is a document name, and for session-aware providers `name NUL session id`.
 * Answers go to the whole address.
 */
export function nameOfAddress(address: string): string {
  const separator = address.indexOf('\0')
  return separator === -1 ? address : address.slice(0, separator)
}

export function syncFrame(address: string, step: SyncStep, payload: Uint8Array): Uint8Array {
  return encoding.toUint8Array(writeSync(address, step, payload))
}

/**
 * A server's frame of the handshake, with the incarnation that it is about: nothing is taken in of a
 * document whose hello was not heard. Stock clients do not read that far.
 */
export function handshakeFrame(
  address: string,
  { step, payload, incarnation }: HandshakePart,
): Uint8Array {
  const encoder = writeSync(address, step, payload)
  encoding.writeVarString(encoder, incarnation)
  return encoding.toUint8Array(encoder)
}

export type HandshakePart = {
  readonly step: typeof syncStep.step1 | typeof syncStep.step2
  readonly payload: Uint8Array
  readonly incarnation: string
}

export type NumberedUpdate = {
  readonly step: typeof syncStep.step2 | typeof syncStep.update
  readonly update: Uint8Array
  /** One more than that of the frame before; the hello says which came last before an attachment. */
  readonly number: number
}

/**
 * A change as weft's sdk sends it: with a number, so that a frame that is lost or doubled on the way
 * is found. Stock servers do not read that far.
 */
export function numberedFrame(
  address: string,
  { step, update, number }: NumberedUpdate,
): Uint8Array {
  const encoder = writeSync(address, step, update)
  encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

function writeSync(address: string, step: SyncStep, payload: Uint8Array): encoding.Encoder {
  const encoder = head(address, messageType.sync)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, payload)
  return encoder
}

export function awarenessFrame(address: string, update: Uint8Array): Uint8Array {
  const encoder = head(address, messageType.awareness)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

export type SyncStatus = {
  readonly saved: boolean
  /** How many received updates this answers; stock clients count frames and ignore it. */
  readonly count: number
  /** The document's durable seq at this moment. */
  readonly seq: number
  /** How many received updates have been answered in all, this answer included. */
  readonly total: number
}

/** `saved`, then three numbers that only weft's sdk reads: stock clients stop after the first. */
export function syncStatusFrame(address: string, status: SyncStatus): Uint8Array {
  const encoder = head(address, messageType.syncStatus)
  encoding.writeVarUint(encoder, status.saved ? 1 : 0)
  encoding.writeVarUint(encoder, status.count)
  encoding.writeVarUint(encoder, status.seq)
  encoding.writeVarUint(encoder, status.total)
  return encoding.toUint8Array(encoder)
}

export function readSyncStatus(decoder: decoding.Decoder): SyncStatus {
  const saved = decoding.readVarUint(decoder) === 1
  if (!decoding.hasContent(decoder)) return { saved, count: 1, seq: 0, total: 0 }
  const count = decoding.readVarUint(decoder)
  const seq = decoding.readVarUint(decoder)
  return { saved, count, seq, total: decoding.readVarUint(decoder) }
}

export function statelessFrame(address: string, payload: string): Uint8Array {
  const encoder = head(address, messageType.stateless)
  encoding.writeVarString(encoder, payload)
  return encoding.toUint8Array(encoder)
}

export function closeFrame(address: string, reason: string): Uint8Array {
  const encoder = head(address, messageType.close)
  encoding.writeVarString(encoder, reason)
  return encoding.toUint8Array(encoder)
}

export function permissionDeniedFrame(address: string, reason: string): Uint8Array {
  const encoder = head(address, messageType.auth)
  encoding.writeVarUint(encoder, authType.permissionDenied)
  encoding.writeVarString(encoder, reason)
  return encoding.toUint8Array(encoder)
}

export type TokenMessage = {
  readonly token: string
  /** Version of the provider, as it names itself. */
  readonly version: string
  /** What weft's sdk adds behind the version: JSON, ignored by stock servers. */
  readonly hello: string
}

export function tokenFrame(address: string, message: TokenMessage): Uint8Array {
  const encoder = head(address, messageType.auth)
  encoding.writeVarUint(encoder, authType.token)
  encoding.writeVarString(encoder, message.token)
  encoding.writeVarString(encoder, message.version)
  encoding.writeVarString(encoder, message.hello)
  return encoding.toUint8Array(encoder)
}

/** The payload of a token frame; older providers leave out the version, stock ones the hello. */
export function readTokenMessage(decoder: decoding.Decoder): TokenMessage | undefined {
  if (decoding.readVarUint(decoder) !== authType.token) return undefined
  const token = decoding.readVarString(decoder)
  const version = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : ''
  const hello = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : ''
  return { token, version, hello }
}

/** The same frame for another address; the payload is copied as it is. */
export function readdress(frame: Frame, address: string): Uint8Array {
  const encoder = head(address, frame.type)
  encoding.writeUint8Array(encoder, decoding.readTailAsUint8Array(frame.decoder))
  return encoding.toUint8Array(encoder)
}

function head(address: string, type: number): encoding.Encoder {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, address)
  encoding.writeVarUint(encoder, type)
  return encoder
}
