/** Who asks, from where, in which request: what is written down with what they do. */
import type { Context } from 'hono'
import type { Principal } from '../../shared/permissions.ts'
import { actorOf } from '../access/grants/grant-events.ts'
import type { By } from '../access/grants/grants.ts'
import { principalOf } from './authenticate.ts'
import type { RestEnv, RestOptions } from './rest-env.ts'

/** Throws as {@link principalOf} does. */
export async function by(
  context: Context<RestEnv>,
  { gatekeeper }: Pick<RestOptions, 'gatekeeper'>,
): Promise<By> {
  return byOf(context, await principalOf(context, gatekeeper))
}

/** The same of somebody who is known already, as it stands in the audit log. */
export function askedBy(context: Context<RestEnv>, principal: Principal) {
  return actorOf(byOf(context, principal))
}

function byOf(context: Context<RestEnv>, principal: Principal): By {
  return { principal, address: context.get('client').address, requestId: context.get('requestId') }
}
