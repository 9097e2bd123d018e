/** Access for those who have none: asking, deciding, taking back. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { requestStatuses } from '../../shared/access-views.ts'
import { resourcePattern } from '../../shared/permissions.ts'
import { decisionInput, emergencyInput, requestInput } from '../access/requests/request.ts'
import { by } from './by.ts'
import { jsonAnswer, jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'
import { requestBody, toRequestView } from './request-view.ts'

const LIST_LIMIT_MAX = 200

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is not of this shape.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('The policy does not let them ask for that, or they may not decide on it.'),
}
const tooMany = { 429: problemResponse('Too many requests wait, or came at once.') }
const notFound = { 404: problemResponse('No such request, or none of their business.') }
const conflict = (description: string) => ({ 409: problemResponse(description) })

const idParam = z.object({ id: z.string().min(1).max(100) })

const askRoute = createRoute({
  method: 'post',
  path: '/v1/access-requests',
  summary: 'Ask for access; everybody with a valid token may, within the policy of the resource',
  security,
  request: jsonBody(requestInput),
  responses: {
    201: jsonAnswer('It waits for an answer.', requestBody),
    ...refusals,
    ...conflict('They have asked for this already.'),
    ...tooMany,
  },
})

const emergencyRoute = createRoute({
  method: 'post',
  path: '/v1/access-requests/emergency',
  summary: 'Access now and a review afterwards, for those whom the policy lists',
  security,
  request: jsonBody(emergencyInput),
  responses: {
    201: jsonAnswer('Access is there, and somebody will look at it.', requestBody),
    ...refusals,
    ...conflict('An earlier emergency of theirs here was not reviewed yet.'),
    ...tooMany,
  },
})

const listRoute = createRoute({
  method: 'get',
  path: '/v1/access-requests',
  summary: 'Their own requests, and those of resources that they may share or decide on',
  security,
  request: {
    query: z.object({
      resource: resourcePattern.optional(),
      status: z.enum(requestStatuses).optional(),
      mine: z
        .enum(['true', 'false'])
        .default('false')
        .transform(text => text === 'true'),
      after: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: jsonAnswer(
      'A page; it may be short of the limit, and `next` says whether there is more.',
      z.object({ requests: z.array(requestBody).readonly(), next: z.string().nullable() }),
    ),
    ...refusals,
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/v1/access-requests/{id}',
  summary: 'How a request stands',
  security,
  request: { params: idParam },
  responses: { 200: jsonAnswer('The request.', requestBody), ...refusals, ...notFound },
})

const decideRoute = createRoute({
  method: 'post',
  path: '/v1/access-requests/{id}/decision',
  summary: 'Approve or deny it, confirm or revoke what was given',
  security,
  request: { params: idParam, ...jsonBody(decisionInput) },
  responses: {
    200: jsonAnswer('How it stands now.', requestBody),
    ...refusals,
    ...notFound,
    ...conflict('It does not wait for this answer.'),
  },
})

const cancelRoute = createRoute({
  method: 'post',
  path: '/v1/access-requests/{id}/cancel',
  summary: 'Take back what one has asked for',
  security,
  request: { params: idParam },
  responses: {
    200: jsonAnswer('It is cancelled.', requestBody),
    ...refusals,
    ...notFound,
    ...conflict('It was decided already.'),
  },
})

export function requestRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { requests } = options.requests
  const router = createRouter()

  router.openapi(askRoute, async context => {
    const seen = await requests.ask(await by(context, options), context.req.valid('json'))
    return context.json(toRequestView(seen), 201)
  })
  router.openapi(emergencyRoute, async context => {
    const seen = await requests.emergency(await by(context, options), context.req.valid('json'))
    return context.json(toRequestView(seen), 201)
  })
  router.openapi(listRoute, async context => {
    const query = context.req.valid('query')
    const { seen, next } = await requests.list(await by(context, options), query)
    return context.json({ requests: seen.map(toRequestView), next }, 200)
  })
  router.openapi(getRoute, async context => {
    const { id } = context.req.valid('param')
    return context.json(toRequestView(await requests.get(await by(context, options), id)), 200)
  })
  router.openapi(decideRoute, async context => {
    const { id } = context.req.valid('param')
    const order = context.req.valid('json')
    const seen = await requests.decide(await by(context, options), id, order)
    return context.json(toRequestView(seen), 200)
  })
  router.openapi(cancelRoute, async context => {
    const { id } = context.req.valid('param')
    return context.json(toRequestView(await requests.cancel(await by(context, options), id)), 200)
  })
  return router
}
