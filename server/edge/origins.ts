/** Which pages may talk to the server: its own, and those that are named. Sockets and REST ask here. */
import type { IncomingHttpHeaders } from 'node:http'
import { WeftError } from '../../shared/errors.ts'

export type OriginRule = {
  /** Origins, letter by letter; `https://*.example.com` stands for each name one level below. */
  readonly allowed: readonly string[]
  /** On a loopback address any page of the same machine may connect: development has many ports. */
  readonly anyLoopback: boolean
}

/** Clients that are no browsers send no origin, and pass; they must show a token as everybody. */
export function isAllowedOrigin(
  { origin, host }: Pick<IncomingHttpHeaders, 'origin' | 'host'>,
  rule: OriginRule,
): boolean {
  if (origin === undefined) return true
  if (rule.allowed.some(pattern => covers(pattern, origin))) return true
  const url = URL.parse(origin)
  // Browsers write an origin in one way: lower case, no default port, no path.
  if (url === null || url.origin !== origin) return false
  return url.host === host || (rule.anyLoopback && isLoopbackName(url.hostname))
}

/** Throws ORIGIN_FORBIDDEN. */
export function checkOrigin(headers: IncomingHttpHeaders, rule: OriginRule): void {
  if (isAllowedOrigin(headers, rule)) return
  const { origin = '' } = headers
  throw new WeftError('ORIGIN_FORBIDDEN', `pages of ${origin.slice(0, 200)} may not connect`)
}

/** Scheme and host alone, as browsers write them, with a whole level of the name as `*` perhaps. */
export function isOriginPattern(text: string): boolean {
  const plain = text.replace(/^(https?:\/\/)\*\.(?=[^*.]+\.[^*]+$)/, '$1')
  return !plain.includes('*') && URL.parse(plain)?.origin === plain
}

function covers(pattern: string, origin: string): boolean {
  const [before, after] = pattern.split('*', 2)
  if (before === undefined || after === undefined) return pattern === origin
  if (!origin.startsWith(before) || !origin.endsWith(after)) return false
  const label = origin.slice(before.length, origin.length - after.length)
  return /^[a-z0-9-]+$/.test(label)
}

function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
