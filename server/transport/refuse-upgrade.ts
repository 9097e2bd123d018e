/** A socket that is not opened: an answer in HTTP, for whoever can read it; browsers only see that it failed. */
import type { Socket } from 'node:net'
import type { Clock } from '../../shared/clock.ts'
import type { WeftError } from '../../shared/errors.ts'
import { dataPolicy, safeHeaders } from '../edge/safe-headers.ts'

/** Long enough for the answer to be read. */
const REFUSED_OPEN_MS = 1_000
const RETRY_MS = 2_000

export function answerRefusal(stream: Socket, error: WeftError, clock: Clock): void {
  const { message: detail, ...wire } = error.toWire()
  const body = JSON.stringify({
    type: `urn:weft:error:${error.code}`,
    title: error.code,
    status: error.status,
    detail,
    ...wire,
  })
  const retryAfterS = Math.ceil((error.retryAfterMs ?? RETRY_MS) / 1_000)
  const headers = {
    connection: 'close',
    ...(error.retryable ? { 'retry-after': String(retryAfterS) } : {}),
    ...safeHeaders,
    'content-security-policy': dataPolicy,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // A client that keeps its half open would keep the descriptor.
  clock.after(REFUSED_OPEN_MS, () => stream.destroy())
  stream.end(`HTTP/1.1 ${error.status} ${error.code}\r\n${lines.join('')}\r\n${body}`)
}
