/** Is the process alive, is it ready, how are its dependencies, what does it count? */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const statusSchema = z.enum(['ok', 'degraded', 'down'])
const healthSchema = z
  .object({
    status: statusSchema,
    dependencies: z.record(z.string(), z.looseObject({ status: statusSchema })),
  })
  .openapi('Health')

const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})
const aliveSchema = z.object({ status: z.literal('ok') })

const livezRoute = createRoute({
  method: 'get',
  path: '/livez',
  summary: 'The process answers',
  responses: { 200: json('Alive.', aliveSchema) },
})

const readyzRoute = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'The process takes traffic: it is not shutting down, and its store takes writes',
  responses: {
    200: json('Ready, perhaps degraded.', healthSchema),
    503: json('Not now.', healthSchema),
  },
})

const healthzRoute = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Every dependency, one by one',
  responses: { 200: json('All well or degraded.', healthSchema), 503: json('Down.', healthSchema) },
})

export function healthRoutes({ health, metrics, isAccepting }: RestOptions): OpenAPIHono<RestEnv> {
  const router = createRouter()
  router.openapi(livezRoute, context => context.json({ status: 'ok' as const }, 200))
  router.openapi(readyzRoute, context => {
    const report = health.report()
    const status = isAccepting() ? report.status : ('down' as const)
    // Degraded is ready: without its neighbours a node still takes edits and makes them durable,
    // and a balancer that took every node out for a Redis that is away would end the service.
    return context.json({ ...report, status }, status === 'down' ? 503 : 200)
  })
  router.openapi(healthzRoute, context => {
    const report = health.report()
    return context.json(report, report.status === 'down' ? 503 : 200)
  })
  router.get('/metrics', async context =>
    context.body(await metrics.registry.metrics(), 200, {
      'content-type': metrics.registry.contentType,
    }),
  )
  return router
}
