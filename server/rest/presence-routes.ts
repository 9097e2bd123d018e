/** Who is where, and presence for programs, which have no connection. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Principal } from '../../shared/permissions.ts'
import { joinPeople, presenceStatuses, type PresentPerson } from '../../shared/presence.ts'
import { openableName } from '../../shared/system-names.ts'
import type { Situation } from '../access/pass.ts'
import { AGENT_TTL_MS_MAX, AGENT_TTL_MS_MIN } from '../presence/agent-presence.ts'
import { authorize, principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const TTL_MS = 60_000

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is wrong.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('The token does not allow it.'),
  429: problemResponse('Too many at once; `Retry-After` says when.'),
}

const place = z.string().max(500)
const activity = z
  .object({ kind: z.string().min(1).max(64), target: place.optional() })
  .openapi('Activity')

const stateSchema = z
  .looseObject({
    status: z.enum(presenceStatuses).optional(),
    activity: activity.optional(),
    typing: z.boolean().optional(),
    viewing: place.optional(),
  })
  .openapi('PresenceState', {
    description: 'And fields of the application. What is said under `user` is dropped.',
  })

export const personSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    color: z.string(),
    colorLight: z.string(),
    kind: z.enum(['user', 'agent', 'service']),
    avatar: z.string().optional(),
    status: z.enum(presenceStatuses),
    devices: z.number().int(),
    typing: z.boolean(),
    activity: activity.optional(),
    viewing: z.array(z.string()).readonly(),
  })
  .openapi('PresentPerson')

const userSchema = z
  .object({
    id: z.string(),
    status: z.enum(presenceStatuses),
    devices: z.number().int(),
    documents: z
      .array(
        z.object({
          name: z.string(),
          status: z.enum(presenceStatuses),
          typing: z.boolean(),
          activity: activity.optional(),
          viewing: z.array(z.string()).readonly(),
        }),
      )
      .openapi({ description: 'Those that the asker may read.' }),
    lastSeenAt: z.number().nullable().openapi({
      description:
        'Ms since 1970, on a document that the asker may read; null: never, or long ago.',
    }),
  })
  .openapi('UserPresence')

const nameParam = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'acme%2Fnotes' }),
})
const agentParam = nameParam.extend({
  id: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,64}$/)
    .openapi({
      param: { name: 'id', in: 'path' },
      description: 'Chosen by the caller, and the caller’s own: the same one says it anew.',
    }),
})

const peopleRoute = createRoute({
  method: 'get',
  path: '/v1/documents/{name}/presence',
  summary: 'Who is on a document, on all nodes; several devices are one person',
  security,
  request: { params: nameParam },
  responses: {
    200: {
      description: 'In order of their names.',
      content: {
        'application/json': { schema: z.object({ people: z.array(personSchema).readonly() }) },
      },
    },
    ...refusals,
  },
})

const announceRoute = createRoute({
  method: 'put',
  path: '/v1/documents/{name}/presence/{id}',
  summary: 'Be present on a document for a while, as whoever the token is for',
  security,
  request: {
    params: agentParam,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            state: stateSchema,
            ttlMs: z
              .number()
              .int()
              .min(AGENT_TTL_MS_MIN)
              .max(AGENT_TTL_MS_MAX)
              .default(TTL_MS)
              .openapi({ description: 'Gone after so long, unless it is said again.' }),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'Others see it.',
      content: {
        'application/json': {
          schema: z.object({
            clientId: z.number().openapi({ description: 'Its key in awareness.' }),
            expiresAt: z.number().openapi({ description: 'Ms since 1970.' }),
          }),
        },
      },
    },
    ...refusals,
    404: problemResponse('There is no such document.'),
    410: problemResponse('The document was deleted.'),
    413: problemResponse('The state is larger than WEFT_MAX_AWARENESS_BYTES.'),
    503: problemResponse('The store is away just now.'),
  },
})

const leaveRoute = createRoute({
  method: 'delete',
  path: '/v1/documents/{name}/presence/{id}',
  summary: 'Be present no more; nothing happens when they were not',
  security,
  request: { params: agentParam },
  responses: { 204: { description: 'Gone, on all nodes.' }, ...refusals },
})

const userRoute = createRoute({
  method: 'get',
  path: '/v1/users/{id}/presence',
  summary: 'Where a user is, and when they were last seen, as far as the asker may read it',
  security,
  request: {
    params: z.object({
      id: z
        .string()
        .min(1)
        .max(200)
        .openapi({ param: { name: 'id', in: 'path' } }),
    }),
  },
  responses: {
    200: {
      description: 'Somebody nobody knows is offline.',
      content: { 'application/json': { schema: userSchema } },
    },
    ...refusals,
    503: problemResponse('The store is away just now.'),
  },
})

export function presenceRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { gatekeeper } = options
  const { people, agents } = options.presence
  const router = createRouter()

  router.openapi(peopleRoute, async context => {
    const name = openableName(context.req.valid('param').name)
    await authorize(context, gatekeeper, { resource: name, capability: 'read' })
    const found = await people.find({ document: name })
    return context.json({ people: joinPeople(found.map(parsedState)) }, 200)
  })

  router.openapi(announceRoute, async context => {
    const { name, id } = context.req.valid('param')
    const { state, ttlMs } = context.req.valid('json')
    const principal = await principalOf(context, gatekeeper)
    const receipt = await agents.announce({
      principal,
      situation: { address: context.get('client').address },
      document: openableName(name),
      id,
      state,
      ttlMs,
      signal: context.req.raw.signal,
    })
    return context.json(receipt, 200)
  })

  router.openapi(leaveRoute, async context => {
    const { name, id } = context.req.valid('param')
    const document = openableName(name)
    const reading = { resource: document, capability: 'read' } as const
    const principal = await authorize(context, gatekeeper, reading)
    agents.leave({ principal, document, id })
    return context.body(null, 204)
  })

  router.openapi(userRoute, async context => {
    const principal = await principalOf(context, gatekeeper)
    const { id } = context.req.valid('param')
    const asker = { principal, situation: context.get('client') }
    return context.json(await userPresence(options, asker, id), 200)
  })

  return router
}

type Asker = { readonly principal: Principal; readonly situation: Situation }

/** Only what is on documents that the asker may read: of the rest they hear nothing. */
async function userPresence(
  { gatekeeper, presence, clock }: RestOptions,
  { principal, situation }: Asker,
  id: string,
): Promise<z.infer<typeof userSchema>> {
  const readableOf = await gatekeeper.reader(principal, situation)
  const [found, sightings] = await Promise.all([
    presence.people.find({ user: id }),
    presence.lastSeen.of(id),
  ])
  const names = [...found, ...sightings].map(({ document }) => document)
  const allowed = await readableOf([...new Set(names)])
  const readable = found.filter(({ document }) => allowed.has(document))
  const [person] = joinPeople(readable.map(parsedState))
  const documents = [...Map.groupBy(readable, ({ document }) => document)].flatMap(
    ([name, states]) => joinPeople(states.map(parsedState)).map(one => onDocument(name, one)),
  )
  const isShown = person !== undefined && person.status !== 'offline'
  const seen = sightings.find(({ document }) => allowed.has(document))?.at ?? null
  return {
    id,
    status: person?.status ?? 'offline',
    devices: isShown ? person.devices : 0,
    documents: isShown ? documents : [],
    lastSeenAt: isShown ? clock.now() : seen,
  }
}

function onDocument(name: string, { status, typing, activity: doing, viewing }: PresentPerson) {
  return { name, status, typing, viewing, ...(doing === undefined ? {} : { activity: doing }) }
}

function parsedState({ state }: { readonly state: string }): unknown {
  return JSON.parse(state)
}
