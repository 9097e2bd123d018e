/** By which rules access may be asked for, for each resource. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { resourcePattern } from '../../shared/permissions.ts'
import { accessPolicy, type StoredPolicy } from '../access/requests/access-policy.ts'
import { by } from './by.ts'
import { jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The policy is not of this shape.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('Not for who may not share this; for ** only admins.'),
}
const notFound = { 404: problemResponse('Exactly this pattern has no policy.') }
/** Slashes are written %2F. */
const patternParam = z.object({ pattern: resourcePattern })

const policyBody = accessPolicy
  .safeExtend({
    pattern: z.string(),
    changedBy: z.string(),
    changedAt: z.iso.datetime(),
  })
  .openapi('StoredAccessPolicy')

const answer = (description: string) => ({
  description,
  content: { 'application/json': { schema: policyBody } },
})

const getRoute = createRoute({
  method: 'get',
  path: '/v1/access-policies/{pattern}',
  summary: 'The policy of exactly this pattern',
  security,
  request: { params: patternParam },
  responses: { 200: answer('The policy.'), ...refusals, ...notFound },
})

const putRoute = createRoute({
  method: 'put',
  path: '/v1/access-policies/{pattern}',
  summary: 'Say who decides on requests for access, up to what, and who may ask',
  security,
  request: {
    params: patternParam,
    ...jsonBody(accessPolicy),
  },
  responses: { 200: answer('It counts for requests from now on.'), ...refusals },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/access-policies/{pattern}',
  summary: 'Remove it: the nearest one above counts, or the default',
  security,
  request: { params: patternParam },
  responses: { 204: { description: 'It is gone.' }, ...refusals, ...notFound },
})

export function policyRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { policies } = options.requests
  const router = createRouter()
  router.openapi(getRoute, async context => {
    const { pattern } = context.req.valid('param')
    return context.json(toBody(await policies.get(await by(context, options), pattern)), 200)
  })
  router.openapi(putRoute, async context => {
    const { pattern } = context.req.valid('param')
    const order = context.req.valid('json')
    const policy = await policies.put(await by(context, options), pattern, order)
    return context.json(toBody(policy), 200)
  })
  router.openapi(removeRoute, async context => {
    await policies.remove(await by(context, options), context.req.valid('param').pattern)
    return context.body(null, 204)
  })
  return router
}

function toBody({ changedAt, ...policy }: StoredPolicy): z.output<typeof policyBody> {
  return { ...policy, changedAt: new Date(changedAt).toISOString() }
}
