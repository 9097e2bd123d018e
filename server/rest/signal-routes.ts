/** Signals of programs: to a document, a space or a user, without a connection. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { documentName, type DocumentName } from '../../shared/names.ts'
import type { Principal } from '../../shared/permissions.ts'
import { readSignalOrder } from '../../shared/signal-request.ts'
import type { SignalAudience } from '../../shared/signals.ts'
import { spaceDocument, spaceName, userDocument } from '../../shared/system-names.ts'
import { authorize, principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const name = z.string().min(1).max(500)
const userId = z.string().min(1).max(200)
const audience = {
  session: z.number().int().min(0).optional().openapi({
    description: 'One session, by its client id in awareness.',
  }),
  topic: z.string().optional().openapi({
    description: 'Sessions that follow it.',
    example: 'chat.general',
  }),
}
const user = { user: userId.optional().openapi({ description: 'All sessions of this user.' }) }

const audienceSchema = z.strictObject({ ...user, ...audience }).openapi('SignalAudience')
/** One room exactly; of what is in it, all, or those whom the rest names. */
const addressSchema = z
  .union(
    [
      z.strictObject({ document: name, ...user, ...audience }),
      z.strictObject({ space: name, ...user, ...audience }),
      z.strictObject({ user: userId, ...audience }),
    ],
    { error: 'must name one of document, space and user; beside it session, user or topic' },
  )
  .openapi('SignalAddress')
type Address = z.infer<typeof addressSchema>

const content = {
  type: z.string().openapi({ example: 'chat.message' }),
  data: z.unknown().optional().openapi({ description: 'JSON of the application.' }),
}
const orderSchema = z.object({ to: addressSchema, ...content }).openapi('SignalOrder')
const shortOrderSchema = z
  .object({ to: audienceSchema.optional(), ...content })
  .openapi('DocumentSignalOrder')

const receiptSchema = z
  .object({
    id: z.string().openapi({ description: 'In the order of time.' }),
    receivers: z.number().int().openapi({
      description: 'Sessions that it was sent to, on all nodes that answered within half a second.',
    }),
  })
  .openapi('SignalReceipt')

const security = [{ bearer: [] }]
const responses = {
  200: {
    description: 'Sent; who was not there misses it.',
    content: { 'application/json': { schema: receiptSchema } },
  },
  400: problemResponse('The request is wrong.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('The token does not allow it.'),
  404: problemResponse('The application has no such topic.'),
  413: problemResponse('More data than WEFT_MAX_SIGNAL_BYTES.'),
  422: problemResponse('No such type, or not what the application declared for it.'),
  429: problemResponse('Too many at once; `Retry-After` says when.'),
  503: problemResponse('A check of the application failed, or the store is away.'),
}

const signalRoute = createRoute({
  method: 'post',
  path: '/v1/signals',
  summary: 'Send a signal to those who are on a document or in a space, or to a user',
  security,
  request: {
    body: { required: true, content: { 'application/json': { schema: orderSchema } } },
  },
  responses,
})

const documentRoute = createRoute({
  method: 'post',
  path: '/v1/documents/{name}/signals',
  summary: 'Send a signal to those who are on a document',
  security,
  request: {
    params: z.object({
      name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'acme%2Fnotes' }),
    }),
    body: { required: true, content: { 'application/json': { schema: shortOrderSchema } } },
  },
  responses,
})

type Place = { readonly room: DocumentName; readonly to: SignalAudience }

export function signalRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { gatekeeper } = options
  const { signals } = options.presence
  const router = createRouter()

  const send = async (
    principal: Principal,
    { room, to }: Place,
    { type, data = null }: { readonly type: string; readonly data?: unknown },
  ) =>
    signals.send({
      room,
      principal,
      order: readSignalOrder({ type, to, data }),
      sender: null,
      session: undefined,
    })

  router.openapi(signalRoute, async context => {
    const { to, ...content } = context.req.valid('json')
    const { principal, place } = await placeOf(context, options, to)
    return context.json(await send(principal, place, content), 200)
  })

  router.openapi(documentRoute, async context => {
    const room = documentName(context.req.valid('param').name)
    const { to = {}, ...content } = context.req.valid('json')
    const principal = await authorize(context, gatekeeper, { resource: room, capability: 'read' })
    return context.json(await send(principal, { room, to }, content), 200)
  })

  return router
}

/** Whoever may be in a room may speak in it; to a user, they themselves and who runs the server. */
async function placeOf(
  context: Context<RestEnv>,
  { gatekeeper }: RestOptions,
  address: Address,
): Promise<{ readonly principal: Principal; readonly place: Place }> {
  if ('document' in address || 'space' in address) {
    const { room, to } = roomOf(address)
    const principal = await authorize(context, gatekeeper, { resource: room, capability: 'read' })
    return { principal, place: { room, to } }
  }
  const principal = await principalOf(context, gatekeeper)
  const situation = context.get('client')
  const room = userDocument({ id: address.user, tenant: principal.tenant })
  if (address.user === principal.id) {
    // Whose token is limited to something else does not speak for all of its subject.
    await gatekeeper.require(principal, { resource: room, capability: 'read', situation })
  } else {
    await gatekeeper.requireRole(principal, ['admin', 'operator'], situation)
  }
  return { principal, place: { room, to: address } }
}

function roomOf(address: Exclude<Address, { readonly user: string }>): Place {
  if ('document' in address) {
    const { document, ...to } = address
    return { room: documentName(document), to }
  }
  const { space, ...to } = address
  return { room: spaceDocument(spaceName(space)), to }
}
