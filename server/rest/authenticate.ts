/** Reads the bearer token of a request. */
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Gatekeeper } from '../access/gatekeeper.ts'
import type { RestEnv } from './rest-env.ts'

/** Who asks? Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED. */
export async function principalOf(
  context: Context<RestEnv>,
  gatekeeper: Gatekeeper,
): Promise<Principal> {
  return gatekeeper.identify(bearerOf(context), addressOf(context))
}

/** Empty when there is none. Throws TOKEN_MISSING when the header is something else. */
export function bearerOf(context: Context<RestEnv>): string {
  const header = context.req.header('authorization') ?? ''
  const [scheme = '', token = ''] = header.split(' ', 2)
  if (header !== '' && scheme.toLowerCase() !== 'bearer') {
    throw new WeftError('TOKEN_MISSING', 'the Authorization header is not of the form "Bearer ..."')
  }
  return token
}

/** Of the other end of the connection; null when there is none. */
export function addressOf(context: Context<RestEnv>): string | null {
  const { incoming } = context.env as Partial<HttpBindings>
  return incoming?.socket.remoteAddress ?? null
}
