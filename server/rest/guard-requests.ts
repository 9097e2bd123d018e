/** What every request passes before any route: from where it comes, how often, and what it must not say. */
import type { MiddlewareHandler } from 'hono'
import { WeftError } from '../../shared/errors.ts'
import type { Edge } from '../edge/edge.ts'
import { dataPolicy, safeHeaders, strictTransport } from '../edge/safe-headers.ts'
import { refuseSecrets } from '../edge/secret-query.ts'
import { answerProblem } from './problem.ts'
import type { RestEnv } from './rest-env.ts'

/** Asked by balancers, which come from few addresses and must hear how things are. */
const uncounted: ReadonlySet<string> = new Set(['/livez', '/readyz'])

export function guardRequests({ addresses, addressLimits }: Edge): MiddlewareHandler<RestEnv> {
  return async (context, next) => {
    const client = context.get('client')
    try {
      addresses.check(client)
      if (!uncounted.has(context.req.path)) addressLimits.request(client)
      refuseSecrets(new URL(context.req.url).searchParams)
      refuseNul(context.req.url)
      await next()
    } catch (error) {
      context.res = answerProblem(context, error)
    }
    const { headers } = context.res
    for (const [name, value] of Object.entries(safeHeaders)) headers.set(name, value)
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', dataPolicy)
    if (client.isSecure) headers.set('strict-transport-security', strictTransport)
  }
}

/** Databases take none in a text: it would be a failure of theirs, and count as one. */
function refuseNul(url: string): void {
  if (!/%00|\0/.test(url)) return
  throw new WeftError('REQUEST_INVALID', 'a NUL in the address')
}
