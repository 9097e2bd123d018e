/** Which pages may open a socket: the server's own, and those that are named. */
import type { IncomingMessage } from 'node:http'
import { WeftError } from '../../shared/errors.ts'

export type OriginRule = {
  readonly allowed: readonly string[]
  /** On a loopback address any page of the same machine may connect: development has many ports. */
  readonly anyLoopback: boolean
}

/** Throws ORIGIN_FORBIDDEN. Clients that are no browsers send no origin, and pass. */
export function checkOrigin({ headers }: IncomingMessage, rule: OriginRule): void {
  const { origin, host } = headers
  if (origin === undefined || rule.allowed.includes(origin)) return
  const url = URL.parse(origin)
  if (url !== null && url.host === host) return
  if (url !== null && rule.anyLoopback && isLoopbackName(url.hostname)) return
  throw new WeftError('ORIGIN_FORBIDDEN', `pages of ${origin.slice(0, 200)} may not connect`)
}

function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
