/** WebSocket frames as they stand on the wire, made once for all sockets that get the same bytes. */
import type { Brand } from '../../shared/names.ts'

/** A whole binary frame: header and payload. Only {@link pack} makes one. */
export type PackedFrame = Brand<Buffer, 'PackedFrame'>

const FINAL_BINARY = 0x82

/**
 * Frames a payload (RFC 6455, section 5.2). What a server sends is not masked, and nothing here is
 * compressed, so the same bytes serve every client; `ws` would make two writes of each, for each.
 */
export function pack(payload: Uint8Array): PackedFrame {
  const { byteLength } = payload
  const headerLength = byteLength < 126 ? 2 : byteLength < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + byteLength)
  frame[0] = FINAL_BINARY
  if (headerLength === 2) frame[1] = byteLength
  else if (headerLength === 4) {
    frame[1] = 126
    frame.writeUInt16BE(byteLength, 2)
  } else {
    frame[1] = 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(byteLength, 6)
  }
  frame.set(payload, headerLength)
  return frame as PackedFrame
}
