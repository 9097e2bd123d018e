/** Spaces: creating, changing, listing, and who is in them now. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { spaceDocument, spaceName } from '../../shared/system-names.ts'
import { joinings, joinRoles, SPACE_SIZE_MAX, spaceTitle } from '../features/spaces/space.ts'
import { authorize, principalOf } from './authenticate.ts'
import { by } from './by.ts'
import { jsonAnswer, jsonBody } from './json-shapes.ts'
import { personSchema } from './presence-routes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'
import { spaceBody, spaceDetailsBody, toSpaceDetailsView, toSpaceView } from './space-view.ts'

const LIST_LIMIT_MAX = 1_000

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is not of this shape, or the name is bad.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('Whoever asks may not do that in this space.'),
}
const absent = { 404: problemResponse('It was not created.') }

const nameParam = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'acme%2Fplan-7' }),
})

const terms = {
  title: spaceTitle.nullable().optional(),
  maxSize: z.number().int().min(1).max(SPACE_SIZE_MAX).nullable().optional().openapi({
    description: 'How many people may have it open at once; null: as many as like.',
  }),
  expiresAt: z.iso
    .datetime({ offset: true })
    .nullable()
    .optional()
    .openapi({ example: '2027-01-31T18:00:00Z' }),
  joining: z.enum(joinings).optional(),
  joinRole: z.enum(joinRoles).optional(),
}

const orderSchema = z.strictObject({ name: z.string(), ...terms }).openapi('SpaceOrder')
const changeSchema = z
  .strictObject({ ...terms, closed: z.boolean().optional() })
  .openapi('SpaceChange')

const createSpaceRoute = createRoute({
  method: 'post',
  path: '/v1/spaces',
  summary: 'Say what a space is called, how many it has room for, when it ends, and who may join',
  security,
  request: jsonBody(orderSchema),
  responses: {
    201: jsonAnswer('It is created, and its creator owns it.', spaceBody),
    ...refusals,
    409: problemResponse('It was created already.'),
  },
})

const listSpacesRoute = createRoute({
  method: 'get',
  path: '/v1/spaces',
  summary: 'Spaces that were created and that the asker may read, in order of their names',
  security,
  request: {
    query: z.object({
      prefix: z.string().max(255).default(''),
      cursor: z
        .string()
        .max(255)
        .default('')
        .openapi({ description: '`next` of the page before.' }),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: jsonAnswer(
      'A page.',
      z.object({ spaces: z.array(spaceBody), next: z.string().nullable() }),
    ),
    ...refusals,
  },
})

const getSpaceRoute = createRoute({
  method: 'get',
  path: '/v1/spaces/{name}',
  summary: 'What is known of a space; it need not have been created',
  security,
  request: { params: nameParam },
  responses: { 200: jsonAnswer('The space.', spaceDetailsBody), ...refusals },
})

const changeSpaceRoute = createRoute({
  method: 'patch',
  path: '/v1/spaces/{name}',
  summary: 'Change what was said of it, close it, or open it again; counts within two seconds',
  security,
  request: { params: nameParam, ...jsonBody(changeSchema) },
  responses: { 200: jsonAnswer('As it is now.', spaceBody), ...refusals, ...absent },
})

const removeSpaceRoute = createRoute({
  method: 'delete',
  path: '/v1/spaces/{name}',
  summary: 'Forget what was said of it; its documents and its grants stay',
  security,
  request: { params: nameParam },
  responses: { 204: { description: 'Forgotten.' }, ...refusals, ...absent },
})

const peopleRoute = createRoute({
  method: 'get',
  path: '/v1/spaces/{name}/presence',
  summary: 'Who is in a space, on all nodes; several devices are one person',
  security,
  request: { params: nameParam },
  responses: {
    200: jsonAnswer(
      'In order of their names.',
      z.object({ people: z.array(personSchema).readonly() }),
    ),
    ...refusals,
  },
})

export function spaceRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { gatekeeper } = options
  const { spaces, views } = options.spaces
  const router = createRouter()

  router.openapi(createSpaceRoute, async context => {
    const { name, ...order } = context.req.valid('json')
    const asker = await by(context, options)
    const space = await spaces.create(asker, { name: spaceName(name), ...toTerms(order) })
    return context.json(toSpaceView(views.info(space)), 201)
  })

  router.openapi(listSpacesRoute, async context => {
    const { prefix, cursor, limit } = context.req.valid('query')
    const principal = await principalOf(context, gatekeeper)
    const asker = { principal, situation: { address: context.get('client').address } }
    const page = await views.list(asker, { prefix, after: cursor, limit })
    return context.json({ spaces: page.spaces.map(toSpaceView), next: page.next }, 200)
  })

  router.openapi(getSpaceRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    await authorize(context, gatekeeper, { resource: spaceDocument(name), capability: 'read' })
    return context.json(toSpaceDetailsView(await views.details(name)), 200)
  })

  router.openapi(changeSpaceRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    const { closed, ...change } = context.req.valid('json')
    const space = await spaces.change(await by(context, options), name, {
      ...toTerms(change),
      ...(closed === undefined ? {} : { closed }),
    })
    return context.json(toSpaceView(views.info(space)), 200)
  })

  router.openapi(removeSpaceRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    await spaces.remove(await by(context, options), name)
    return context.body(null, 204)
  })

  router.openapi(peopleRoute, async context => {
    const name = spaceName(context.req.valid('param').name)
    await authorize(context, gatekeeper, { resource: spaceDocument(name), capability: 'read' })
    return context.json({ people: await views.people(name) }, 200)
  })

  return router
}

type Told = z.output<typeof changeSchema>
type Terms = Omit<Parameters<RestOptions['spaces']['spaces']['change']>[2], 'closed'>

/** Left out and undefined are the same to JSON, and not to exact types. */
function toTerms({ expiresAt, ...told }: Omit<Told, 'closed'>): Terms {
  const said = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
  if (expiresAt === undefined) return said
  return { ...said, expiresAt: expiresAt === null ? null : Date.parse(expiresAt) }
}
