/** What a protocol gives to a session: a way to write frames, and a way to answer. */
import type { WeftError } from '../../shared/errors.ts'
import type { HandshakePart, SyncStatus, SyncStep } from '../../shared/frames.ts'
import type { PackedFrame } from './packed-frame.ts'
import type { ControlMessage } from '../../shared/protocol.ts'

/** Frames of the same format are the same bytes, so they are encoded once for all who share it. */
export type FrameFormat = {
  /** Equal keys mean equal bytes. */
  readonly key: string
  sync(step: SyncStep, payload: Uint8Array): Uint8Array
  awareness(update: Uint8Array): Uint8Array
  /** A text for the client; null in a protocol that has no frame for it. */
  readonly message: ((payload: string) => Uint8Array) | null
}

export type SyncPeer = {
  readonly format: FrameFormat
  /** Does the client check its state against ours? Those that do not are helped by a beat. */
  readonly checksState: boolean
  /** Does the client read the count in an acknowledgement? Stock clients count frames. */
  readonly countsAcknowledgements: boolean
  send(frame: PackedFrame): void
  /** A question or an answer of the handshake, for this client alone. */
  handshake(step: HandshakePart['step'], payload: Uint8Array): void
  /** The client reads more slowly than it is sent to. */
  readonly isCongested: boolean
  /** Nothing, in a protocol without acknowledgements. */
  acknowledge(status: SyncStatus): void
  /** Tells about this document; nothing, in a protocol without such messages. */
  control(message: ControlMessage): void
  /** Asks the client for a fresh token; nothing, in a protocol without such a question. */
  askForToken(): void
  /** The document ends for this client, and nothing else on its socket does. */
  end(error: WeftError): void
}
