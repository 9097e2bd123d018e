/** What the people who run the server ask of it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { askedBy } from './by.ts'
import { principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const breakerSchema = z
  .object({
    name: z.string().openapi({ example: 'redis' }),
    state: z.enum(['closed', 'open', 'half-open']).openapi({
      description: '`open`: it is left alone for now; `half-open`: one request tries it.',
    }),
    failures: z.number().int().openapi({ description: 'In a row, up to now.' }),
    openedAt: z.iso.datetime().optional(),
    lastError: z.string().optional(),
  })
  .openapi('CircuitBreaker')

const breakersRoute = createRoute({
  method: 'get',
  path: '/v1/admin/circuit-breakers',
  summary: 'Which of the services that the server needs are left alone, and why (admin, operator)',
  security: [{ bearer: [] }],
  responses: {
    200: {
      description: 'All of them.',
      content: { 'application/json': { schema: z.object({ breakers: z.array(breakerSchema) }) } },
    },
    401: problemResponse('No valid token.'),
    403: problemResponse('The token is of nobody who runs the server.'),
  },
})

const disconnectRoute = createRoute({
  method: 'post',
  path: '/v1/admin/disconnect',
  summary: 'Ends sessions, on whatever node they are; the clients may come back (admin, operator)',
  security: [{ bearer: [] }],
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .strictObject({ document: z.string().optional(), user: z.string().optional() })
            .refine(({ document, user }) => document !== undefined || user !== undefined, {
              error: 'say of which document, of which user, or both',
            })
            .openapi('Disconnect'),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'All nodes have been told.',
      content: {
        'application/json': {
          schema: z.object({
            sessions: z.number().int().openapi({ description: 'Ended on the node that answers.' }),
          }),
        },
      },
    },
    400: problemResponse('Nobody is named.'),
    401: problemResponse('No valid token.'),
    403: problemResponse('The token is of nobody who runs the server.'),
  },
})

export function adminRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { gatekeeper, breakers, disconnect, audit } = options
  const router = createRouter()
  router.openapi(disconnectRoute, async context => {
    const principal = await principalOf(context, gatekeeper)
    await gatekeeper.requireRole(principal, ['admin', 'operator'], context.get('client'))
    const { document, user } = context.req.valid('json')
    const sessions = disconnect({
      ...(document === undefined ? {} : { document }),
      ...(user === undefined ? {} : { user }),
    })
    audit.note({
      ...askedBy(context, principal),
      action: 'session.disconnect',
      document: document ?? null,
      decision: 'allow',
      details: { ...(user === undefined ? {} : { user }), sessions },
    })
    return context.json({ sessions }, 200)
  })
  router.openapi(breakersRoute, async context => {
    await gatekeeper.requireRole(
      await principalOf(context, gatekeeper),
      ['admin', 'operator'],
      context.get('client'),
    )
    const body = breakers.states().map(({ openedAt, ...report }) => ({
      ...report,
      ...(openedAt === undefined ? {} : { openedAt: new Date(openedAt).toISOString() }),
    }))
    return context.json({ breakers: body }, 200)
  })
  return router
}
