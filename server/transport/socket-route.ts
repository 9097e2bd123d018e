/** What the address of a socket asks for. */
import type { IncomingMessage } from 'node:http'
import { WeftError } from '../../shared/errors.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import { refuseSecrets } from '../edge/secret-query.ts'

export type SocketRoute = {
  readonly schema: SchemaRange | undefined
  /** Sockets of one device say the same; undefined: it did not say. */
  readonly device: string | undefined
} & (
  | { readonly protocol: 'hocuspocus' }
  | { readonly protocol: 'y-websocket'; readonly name: string; readonly token: string }
)

/** A y-websocket client that gives its token as a subprotocol names this one before it. */
export const SUBPROTOCOL = 'weft'

/** Throws ROUTE_NOT_FOUND or REQUEST_INVALID. */
export function readRoute(request: IncomingMessage): SocketRoute {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const parameters = new URLSearchParams(query)
  const schema = readSchema(parameters.get('schema'))
  const device = readDevice(parameters.get('device'))
  if (path.startsWith('/y/')) {
    const token = parameters.get('token') ?? subprotocolToken(request)
    return { protocol: 'y-websocket', name: path.slice('/y/'.length), token, schema, device }
  }
  refuseSecrets(parameters)
  if (path === '/sync') return { protocol: 'hocuspocus', schema, device }
  throw new WeftError('ROUTE_NOT_FOUND', 'no socket is served at this address')
}

/** `?schema=2` or `?schema=1-2`: what stock clients understand of the application's schema. */
function readSchema(given: string | null): SchemaRange | undefined {
  if (given === null) return undefined
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(given)
  if (match === null) {
    throw new WeftError('REQUEST_INVALID', 'schema is a version, or two with a hyphen between them')
  }
  const [, first, last = first] = match
  return { min: Number(first), max: Number(last) }
}

function readDevice(given: string | null): string | undefined {
  if (given === null) return undefined
  if (/^[A-Za-z0-9._~-]{1,64}$/.test(given)) return given
  throw new WeftError('REQUEST_INVALID', 'device is 1-64 of A-Z a-z 0-9 . _ ~ -')
}

function subprotocolToken({ headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(part => part.trim())
  return offered.find(part => part !== '' && part !== SUBPROTOCOL) ?? ''
}
