/** Reads the bearer token of a request. */
import type { Context } from 'hono'
import { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Ask, Gatekeeper } from '../access/gatekeeper.ts'
import type { RestEnv } from './rest-env.ts'

/**
 * Who asks? Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED, and SLOW_DOWN when it
 * is too often.
 */
export async function principalOf(
  context: Context<RestEnv>,
  gatekeeper: Gatekeeper,
): Promise<Principal> {
  const principal = await gatekeeper.identify(bearerOf(context), context.get('client'))
  context.get('userLimits').request(principal)
  return principal
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

/** Who asks, if they may: throws as `principalOf` does, and FORBIDDEN. */
export async function authorize(
  context: Context<RestEnv>,
  gatekeeper: Gatekeeper,
  ask: Ask,
): Promise<Principal> {
  const principal = await principalOf(context, gatekeeper)
  await gatekeeper.require(principal, { situation: context.get('client'), ...ask })
  return principal
}
