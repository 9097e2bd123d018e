/** Pages of other origins: those that may open a socket may ask here too, and are answered readably. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { checkOrigin, isAllowedOrigin, type OriginRule } from '../edge/origins.ts'
import type { RestEnv } from './rest-env.ts'

const PREFLIGHT_SECONDS = 600

/**
 * Throws ORIGIN_FORBIDDEN, also for a preflight. No cookies and no other credentials of a browser
 * count here, so none are allowed; a page shows its token by itself.
 */
export function crossOrigin(rule: OriginRule): MiddlewareHandler<RestEnv> {
  const answer = cors({
    origin: (origin, { req }) =>
      isAllowedOrigin({ origin, host: req.header('host') }, rule) ? origin : null,
    allowMethods: ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'Idempotency-Key',
      'X-Request-Id',
    ],
    exposeHeaders: ['ETag', 'Retry-After', 'X-Request-Id'],
    maxAge: PREFLIGHT_SECONDS,
  })
  return async (context, next) => {
    // Whoever keeps answers must not give one page's to another.
    context.header('vary', 'Origin')
    const origin = context.req.header('origin')
    if (origin === undefined) return next()
    checkOrigin({ origin, host: context.req.header('host') }, rule)
    return answer(context, next)
  }
}
