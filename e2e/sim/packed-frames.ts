/** Reads what the server writes to a stream: WebSocket frames, whole and not masked. */

/** The payloads of the frames in `bytes`. Throws when they are not whole binary frames. */
export function unpack(bytes: Buffer): Uint8Array[] {
  const payloads: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) {
    if (bytes[at] !== 0x82) throw new Error(`byte ${at} begins no binary frame`)
    const short = bytes[at + 1]!
    const head = short === 127 ? 10 : short === 126 ? 4 : 2
    const length =
      short === 127
        ? Number(bytes.readBigUInt64BE(at + 2))
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : short
    const payload = bytes.subarray(at + head, at + head + length)
    if (payload.byteLength !== length) throw new Error('a frame without its end')
    payloads.push(Uint8Array.from(payload))
    at += head + length
  }
  return payloads
}
