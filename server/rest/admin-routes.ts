/** What the people who run the server ask of it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
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

export function adminRoutes({ gatekeeper, breakers }: RestOptions): OpenAPIHono<RestEnv> {
  const router = createRouter()
  router.openapi(breakersRoute, async context => {
    gatekeeper.requireRole(await principalOf(context, gatekeeper), ['admin', 'operator'])
    const body = breakers.states().map(({ openedAt, ...report }) => ({
      ...report,
      ...(openedAt === undefined ? {} : { openedAt: new Date(openedAt).toISOString() }),
    }))
    return context.json({ breakers: body }, 200)
  })
  return router
}
