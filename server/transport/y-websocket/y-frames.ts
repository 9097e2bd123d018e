/** The frames of y-websocket: a message type and a payload; the document is in the address. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { SyncStep } from '../../../shared/frames.ts'
import type { FrameFormat } from '../sync-peer.ts'

export const yMessageType = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3 } as const

export type YFrame = { readonly type: number; readonly decoder: decoding.Decoder }

export function readYFrame(bytes: Uint8Array): YFrame {
  const decoder = decoding.createDecoder(bytes)
  return { type: decoding.readVarUint(decoder), decoder }
}

export const yFormat: FrameFormat = {
  key: 'y-websocket',
  sync: (step: SyncStep, payload: Uint8Array) =>
    frame(yMessageType.sync, encoder => {
      encoding.writeVarUint(encoder, step)
      encoding.writeVarUint8Array(encoder, payload)
    }),
  awareness: (update: Uint8Array) =>
    frame(yMessageType.awareness, encoder => encoding.writeVarUint8Array(encoder, update)),
  message: null,
}

/** y-protocols/auth: 0 is "permission denied", the reason is shown to whoever listens. */
export function yPermissionDeniedFrame(reason: string): Uint8Array {
  return frame(yMessageType.auth, encoder => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarString(encoder, reason)
  })
}

/** Nobody's presence: stock clients leave when they hear nothing for half a minute. */
export const yKeepAliveFrame: Uint8Array = yFormat.awareness(Uint8Array.of(0))

function frame(type: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  write(encoder)
  return encoding.toUint8Array(encoder)
}
