/** The bytes of one message between nodes: who says it, on which channel, and what. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export type Envelope = {
  readonly node: string
  readonly channel: string
  /** A view of the received bytes, which nobody writes to: copy it to keep it for long. */
  readonly payload: Uint8Array
}

export type EnvelopeCodec = {
  encode(envelope: Envelope): Uint8Array
  /** Undefined when the bytes are not exactly one envelope that this node may believe. */
  decode(bytes: Uint8Array): Envelope | undefined
}

/** Another number is another layout; nodes of both reject each other, and repair by the journal. */
const ENVELOPE_VERSION = 1
const NODE_CHARACTERS_MAX = 64
export const CHANNEL_CHARACTERS_MAX = 512
export const MESSAGE_BYTES_MAX = 8 << 20
const SIGNATURE_BYTES = 32

/**
 * With a secret, a message ends with an HMAC-SHA256 of all before it, and one without is rejected:
 * whoever can publish on the bus could otherwise write into every document. Without a secret
 * signed messages are rejected too, so that nodes of two minds show up in the counter.
 */
export function createEnvelopeCodec(secret?: string): EnvelopeCodec {
  if (secret === undefined) return { encode: encodeBody, decode: bytes => decodeBody(bytes) }
  const sign = (body: Uint8Array) => createHmac('sha256', secret).update(body).digest()
  return {
    encode(envelope) {
      const body = encodeBody(envelope)
      const signed = new Uint8Array(body.byteLength + SIGNATURE_BYTES)
      signed.set(body)
      signed.set(sign(body), body.byteLength)
      return signed
    },
    decode(bytes) {
      const end = bytes.byteLength - SIGNATURE_BYTES
      if (end <= 0 || bytes.byteLength > MESSAGE_BYTES_MAX) return undefined
      const body = bytes.subarray(0, end)
      if (!timingSafeEqual(sign(body), bytes.subarray(end))) return undefined
      return decodeBody(body)
    },
  }
}

function encodeBody({ node, channel, payload }: Envelope): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, ENVELOPE_VERSION)
  encoding.writeVarString(encoder, node)
  encoding.writeVarString(encoder, channel)
  encoding.writeVarUint8Array(encoder, payload)
  return encoding.toUint8Array(encoder)
}

function decodeBody(bytes: Uint8Array): Envelope | undefined {
  if (bytes.byteLength > MESSAGE_BYTES_MAX || bytes[0] !== ENVELOPE_VERSION) return undefined
  try {
    const decoder = decoding.createDecoder(bytes)
    decoding.readUint8(decoder)
    const node = decoding.readVarString(decoder)
    const channel = decoding.readVarString(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    const isWhole = !decoding.hasContent(decoder)
    const isNamed = node.length > 0 && node.length <= NODE_CHARACTERS_MAX
    const isAddressed = channel.length > 0 && channel.length <= CHANNEL_CHARACTERS_MAX
    return isWhole && isNamed && isAddressed ? { node, channel, payload } : undefined
  } catch {
    // Lengths that point beyond the end, bytes that are no UTF-8: whoever wrote them is not one of us.
    return undefined
  }
}
