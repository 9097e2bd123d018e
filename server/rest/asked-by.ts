/** Whose request it is and where it comes from, for the audit log. */
import type { Context } from 'hono'
import type { Principal } from '../../shared/permissions.ts'
import { byPrincipal } from '../audit/audit-row.ts'
import type { RestEnv } from './rest-env.ts'

export function askedBy(context: Context<RestEnv>, principal: Principal) {
  return {
    ...byPrincipal(principal),
    address: context.get('client').address,
    requestId: context.get('requestId'),
  }
}
