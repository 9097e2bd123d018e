/** On which devices somebody is, on all nodes: told to themselves, and to admins. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { DeviceView } from '../../shared/space-views.ts'
import { userResource } from '../../shared/system-names.ts'
import { principalOf } from './authenticate.ts'
import { jsonAnswer } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const deviceBody = z
  .object({
    id: z.string().openapi({ description: 'As its sockets say with `?device=`.' }),
    name: z.string().nullable().openapi({ description: '`?deviceName=`.' }),
    since: z.number().openapi({ description: 'Ms since 1970.' }),
    documents: z.array(z.string()).readonly(),
  })
  .openapi('Device')

const devicesRoute = createRoute({
  method: 'get',
  path: '/v1/users/{id}/devices',
  summary: 'The devices on which a user has documents open; sockets that name none are left out',
  security: [{ bearer: [] }],
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
    200: jsonAnswer(
      'In order of their ids, with those documents that the asker may read.',
      z.object({ devices: z.array(deviceBody).readonly() }),
    ),
    401: problemResponse('No valid token.'),
    403: problemResponse('It is somebody else.'),
    429: problemResponse('Too many at once; `Retry-After` says when.'),
  },
})

/** What nodes tell each other of a session; see `SessionOrigin` of the transport. */
const origin = z.object({
  device: z.object({ id: z.string(), name: z.string().nullable() }),
  tenant: z.string().nullable(),
  since: z.number(),
})

type Session = z.infer<typeof origin> & { readonly document: string }

export function deviceRoutes({ gatekeeper, presence }: RestOptions): OpenAPIHono<RestEnv> {
  const router = createRouter()
  router.openapi(devicesRoute, async context => {
    const { id } = context.req.valid('param')
    const principal = await principalOf(context, gatekeeper)
    const situation = { address: context.get('client').address }
    const isOwn = id === principal.id
    if (isOwn) {
      // As their own document: a token that is limited to something else does not tell of it.
      const resource = userResource(principal)
      await gatekeeper.require(principal, { resource, capability: 'read', situation })
    } else await gatekeeper.requireRole(principal, ['admin'], situation)
    const found = await presence.people.find({ devicesOf: id })
    const sessions = found
      .map(({ document, state }) => ({ document, ...origin.parse(JSON.parse(state)) }))
      // Of another tenant it is another person.
      .filter(({ tenant }) => !isOwn || tenant === principal.tenant)
    const read = await gatekeeper.reader(principal, situation)
    const readable = await read([...new Set(sessions.map(({ document }) => document))])
    return context.json({ devices: devicesOf(sessions, readable) }, 200)
  })
  return router
}

function devicesOf(sessions: readonly Session[], readable: ReadonlySet<string>): DeviceView[] {
  const byId = Map.groupBy(sessions, ({ device }) => device.id)
  return [...byId]
    .map(([id, own]) => ({
      id,
      name: own.find(({ device }) => device.name !== null)?.device.name ?? null,
      since: Math.min(...own.map(({ since }) => since)),
      documents: [...new Set(own.map(({ document }) => document))]
        .filter(name => readable.has(name))
        .toSorted(),
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
