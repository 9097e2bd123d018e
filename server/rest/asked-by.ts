/** Whose request it is and where it comes from, for the audit log. */
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import type { Principal } from '../../shared/permissions.ts'
import { byPrincipal } from '../audit/audit-row.ts'
import type { RestEnv } from './rest-env.ts'

export function askedBy(context: Context<RestEnv>, principal: Principal) {
  return {
    ...byPrincipal(principal),
    address: getConnInfo(context).remote.address ?? null,
    requestId: context.get('requestId'),
  }
}
