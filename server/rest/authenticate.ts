/** Reads the bearer token of a request. */
import type { Context } from 'hono'
import { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Ask, Gatekeeper } from '../access/gatekeeper.ts'
import type { RestEnv } from './rest-env.ts'

/** Who asks? Throws TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED, and SLOW_DOWN when it is too often. */
export async function principalOf(
  context: Context<RestEnv>,
  gatekeeper: Gatekeeper,
): Promise<Principal> {
  const header = context.req.header('authorization') ?? ''
  const [scheme = '', token = ''] = header.split(' ', 2)
  if (header !== '' && scheme.toLowerCase() !== 'bearer') {
    throw new WeftError('TOKEN_MISSING', 'the Authorization header is not of the form "Bearer ..."')
  }
  const principal = await gatekeeper.identify(token)
  context.get('userLimits').request(principal)
  return principal
}

/** Who asks, if they may: throws as `principalOf` does, and FORBIDDEN. */
export async function authorize(
  context: Context<RestEnv>,
  gatekeeper: Gatekeeper,
  ask: Ask,
): Promise<Principal> {
  const principal = await principalOf(context, gatekeeper)
  await gatekeeper.require(principal, ask)
  return principal
}
