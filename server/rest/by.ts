/** Who asks, from where, in which request: what a change of access is written down with. */
import type { Context } from 'hono'
import type { By } from '../access/grants/grants.ts'
import { principalOf } from './authenticate.ts'
import type { RestEnv, RestOptions } from './rest-env.ts'

export async function by(
  context: Context<RestEnv>,
  { gatekeeper }: Pick<RestOptions, 'gatekeeper'>,
): Promise<By> {
  const principal = await principalOf(context, gatekeeper)
  return { principal, address: context.get('client').address, requestId: context.get('requestId') }
}
