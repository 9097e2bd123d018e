/** What the address of a socket asks for. */
import type { IncomingMessage } from 'node:http'
import { WeftError } from '../../shared/errors.ts'
import { safeName } from '../../shared/person.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import type { Device } from '../access/pass.ts'
import { refuseSecrets } from '../edge/secret-query.ts'

export type SocketRoute = {
  readonly schema: SchemaRange | undefined
  /** Sockets of one device say the same; undefined: it did not say. */
  readonly device: Device | undefined
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
  const device = readDevice(parameters)
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

/** `?device=laptop-1&deviceName=Ada's%20laptop`; its name is made harmless as people's are. */
function readDevice(parameters: URLSearchParams): Device | undefined {
  const id = parameters.get('device')
  if (id === null) return undefined
  const name = safeName(parameters.get('deviceName') ?? '')
  if (/^[A-Za-z0-9._~-]{1,64}$/.test(id)) return { id, name: name === '' ? null : name }
  throw new WeftError('REQUEST_INVALID', 'device is 1-64 of A-Z a-z 0-9 . _ ~ -')
}

function subprotocolToken({ headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(part => part.trim())
  return offered.find(part => part !== '' && part !== SUBPROTOCOL) ?? ''
}
