/** Cuts what a Redis server says into whole replies, without looking far into them. */

/** Gives back the whole replies of what was fed so far, each as its bytes. */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0)

  feed(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Buffer[] = []
    let start = 0
    for (let end = endOf(bytes, start); end !== undefined; end = endOf(bytes, start)) {
      frames.push(bytes.subarray(start, end))
      start = end
    }
    this.#rest = bytes.subarray(start)
    return frames
  }
}

/** A message of pub/sub, told from answers by its first words (RESP2 and RESP3). */
export function isPubSubMessage(frame: Buffer): boolean {
  return /^[*>]3\r\n\$\d\r\n(s?message)\r\n/.test(frame.subarray(0, 32).toString('latin1'))
}

const CRLF = 2

/** Where the reply that begins at `start` ends; undefined while it is not all there. */
function endOf(bytes: Buffer, start: number): number | undefined {
  const line = bytes.indexOf('\r\n', start)
  if (start >= bytes.length || line === -1) return undefined
  const type = String.fromCharCode(bytes[start] ?? 0)
  const count = Number(bytes.subarray(start + 1, line).toString())
  const next = line + CRLF
  if ('$!='.includes(type)) {
    const end = count < 0 ? next : next + count + CRLF
    return end <= bytes.length ? end : undefined
  }
  if (!'*>~%'.includes(type)) return next
  let end: number | undefined = next
  for (let n = 0; n < count * (type === '%' ? 2 : 1) && end !== undefined; n++) {
    end = endOf(bytes, end)
  }
  return end
}
