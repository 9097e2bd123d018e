/** The HTTP side: routes, their OpenAPI document, and one shape for every error. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { requestId } from 'hono/request-id'
import { routePath } from 'hono/route'
import { WeftError } from '../../shared/errors.ts'
import { adminRoutes } from './admin-routes.ts'
import { crossOrigin } from './cross-origin.ts'
import { auditRoutes } from './audit-routes.ts'
import { deviceRoutes } from './device-routes.ts'
import { devRoutes } from './dev-routes.ts'
import { documentRoutes } from './document-routes.ts'
import { guardRequests } from './guard-requests.ts'
import { grantRoutes } from './grant-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { keyRoutes } from './key-routes.ts'
import { pageRoutes } from './pages.ts'
import { policyRoutes } from './policy-routes.ts'
import { presenceRoutes } from './presence-routes.ts'
import { answerProblem } from './problem.ts'
import { requestRoutes } from './request-routes.ts'
import { signalRoutes } from './signal-routes.ts'
import { spaceMemberRoutes } from './space-member-routes.ts'
import { spaceRoutes } from './space-routes.ts'
import { tokenRoutes } from './token-routes.ts'
import { writeRoutes } from './write-routes.ts'
import { roleRoutes } from './role-routes.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

export function createRest(options: RestOptions): OpenAPIHono<RestEnv> {
  const { log, metrics, mint } = options
  const app = createRouter()
  app.use(requestId())
  app.use(async (context, next) => {
    context.set('log', log)
    context.set('client', options.edge.addresses.clientOf(context.env.incoming))
    context.set('userLimits', options.edge.userLimits)
    await next()
    // The route's pattern, not the path: names of documents would make endless series.
    const route = routePath(context, -1)
    metrics.requests.inc({ route, status: context.res.status })
    const { method, path } = context.req
    const { address } = context.get('client')
    log.debug({
      method,
      path,
      address,
      status: context.res.status,
      requestId: context.get('requestId'),
    })
  })
  app.use(guardRequests(options.edge))
  app.use('/v1/*', crossOrigin(options.edge.origins))
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: options.bodyBytesMax,
      onError() {
        throw new WeftError('FRAME_TOO_LARGE', `a body of more than ${options.bodyBytesMax} bytes`)
      },
    }),
  )
  app.route('/', healthRoutes(options))
  app.route('/', documentRoutes(options))
  app.route('/', writeRoutes(options))
  app.route('/', presenceRoutes(options))
  app.route('/', signalRoutes(options))
  app.route('/', deviceRoutes(options))
  app.route('/', spaceRoutes(options))
  app.route('/', spaceMemberRoutes(options))
  app.route('/', adminRoutes(options))
  app.route('/', grantRoutes(options))
  app.route('/', roleRoutes(options))
  app.route('/', requestRoutes(options))
  app.route('/', policyRoutes(options))
  app.route('/', auditRoutes(options))
  app.route('/', tokenRoutes(options))
  app.route('/', keyRoutes(options))
  if (mint !== undefined) app.route('/', devRoutes(mint))
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  })
  app.doc31('/v1/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'weft',
      version: '1',
      description: 'Documents, and the state of the server. Errors are `application/problem+json`.',
    },
  })
  app.route('/', pageRoutes(options.pagesDir))
  app.notFound(context =>
    answerProblem(context, new WeftError('ROUTE_NOT_FOUND', 'nothing is here')),
  )
  app.onError((error, context) => answerProblem(context, asRefusal(error)))
  return app
}

/** Hono's own refusals: a body that is no JSON, or that does not say what it is; and a text of it. */
function asRefusal(error: Error): unknown {
  if ('code' in error && error.code === UNSTORABLE) {
    return new WeftError('REQUEST_INVALID', 'a text with a NUL in it', { cause: error })
  }
  if (!(error instanceof HTTPException) || error.status >= 500) return error
  const sentence =
    error.status === 415 ? 'the Content-Type is missing, or not one of this route' : error.message
  return new WeftError('REQUEST_INVALID', sentence)
}

/** What Postgres says to a NUL in a text. */
const UNSTORABLE = '22021'
