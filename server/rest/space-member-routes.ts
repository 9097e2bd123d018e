/** Who belongs to a space: joining and leaving, adding and removing. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { spaceDocument, spaceName } from '../../shared/system-names.ts'
import { roleName } from '../access/grants/grant.ts'
import { authorize } from './authenticate.ts'
import { by } from './by.ts'
import { jsonAnswer, jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'
import { memberBody, toMemberView } from './space-view.ts'

const LIST_LIMIT_MAX = 200

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is not of this shape, or the name is bad.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('Whoever asks may not do that in this space.'),
}
const over = { 410: problemResponse('The space is closed, or its time is over.') }

const nameParam = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'acme%2Fplan-7' }),
})
const memberParam = nameParam.extend({
  user: z
    .string()
    .min(1)
    .max(200)
    .openapi({ param: { name: 'user', in: 'path' }, description: 'The subject of their tokens.' }),
})

const joinRoute = createRoute({
  method: 'post',
  path: '/v1/spaces/{name}/join',
  summary: 'Become a member of a space that everybody may join',
  security,
  request: { params: nameParam },
  responses: {
    200: jsonAnswer(
      'They are in.',
      z.object({
        role: z.string().nullable().openapi({
          description: 'What it gave; null: they had as much or more before.',
        }),
      }),
    ),
    ...refusals,
    ...over,
  },
})

const leaveRoute = createRoute({
  method: 'post',
  path: '/v1/spaces/{name}/leave',
  summary: 'Give up what one was given on the whole of a space',
  security,
  request: { params: nameParam },
  responses: { 204: { description: 'They are out, or were not in.' }, ...refusals },
})

const membersRoute = createRoute({
  method: 'get',
  path: '/v1/spaces/{name}/members',
  summary: 'Users with a grant on the whole of a space, and whether they are in it now',
  security,
  request: {
    params: nameParam,
    query: z.object({
      cursor: z
        .string()
        .max(200)
        .default('')
        .openapi({ description: '`next` of the page before.' }),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: jsonAnswer(
      'A page, in order of their ids.',
      z.object({ members: z.array(memberBody), next: z.string().nullable() }),
    ),
    ...refusals,
  },
})

const addRoute = createRoute({
  method: 'put',
  path: '/v1/spaces/{name}/members/{user}',
  summary: 'Give somebody a role in all of a space; it ends with the space, but for owners',
  security,
  request: { params: memberParam, ...jsonBody(z.strictObject({ role: roleName })) },
  responses: { 204: { description: 'They have it.' }, ...refusals, ...over },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/spaces/{name}/members/{user}',
  summary: 'Leave, or take somebody out, who does not come back by joining',
  security,
  request: { params: memberParam },
  responses: { 204: { description: 'Gone; open connections within two seconds.' }, ...refusals },
})

export function spaceMemberRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { gatekeeper } = options
  const { members, views } = options.spaces
  const router = createRouter()

  router.openapi(joinRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    const { role } = await members.join(await by(context, options), name)
    return context.json({ role }, 200)
  })

  router.openapi(leaveRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    await members.leave(await by(context, options), name)
    return context.body(null, 204)
  })

  router.openapi(membersRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    const { cursor, limit } = context.req.valid('query')
    await authorize(context, gatekeeper, { resource: spaceDocument(name), capability: 'read' })
    const page = await views.members(name, { after: cursor, limit })
    return context.json({ members: page.members.map(toMemberView), next: page.next }, 200)
  })

  router.openapi(addRoute, async context => {
    const { name, user } = context.req.valid('param')
    const { role } = context.req.valid('json')
    const asker = await by(context, options)
    await members.add(asker, { space: spaceName(name), userId: user }, role)
    return context.body(null, 204)
  })

  router.openapi(removeRoute, async context => {
    const { name, user } = context.req.valid('param')
    const asker = await by(context, options)
    const space = spaceName(name)
    if (user === asker.principal.id) await members.leave(asker, space)
    else await members.remove(asker, { space, userId: user })
    return context.body(null, 204)
  })

  return router
}
