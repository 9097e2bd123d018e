/** API keys: for the admins of the server. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ApiKey } from '../access/tokens/api-key.ts'
import { keyAuthority, keyScopes } from '../access/tokens/key-authority.ts'
import type { Actor } from '../access/tokens/tables.ts'
import { WeftError } from '../../shared/errors.ts'
import { resourcePattern, roles } from '../../shared/permissions.ts'
import { principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const instant = z.iso.datetime().nullable()

const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(keyScopes)),
    resources: z.array(z.string()),
    role: z.enum(roles).openapi({ description: 'The most that it has, and gives in tokens.' }),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
    expiresAt: instant,
    lastUsedAt: instant.openapi({ description: 'To the minute.' }),
    revokedAt: instant,
    replacedBy: z.string().nullable(),
  })
  .openapi('ApiKey')

const madeSchema = keySchema
  .extend({ key: z.string().openapi({ description: 'Shown this once; only a hash is stored.' }) })
  .openapi('NewApiKey')

const refusals = {
  400: problemResponse('The request is wrong.'),
  401: problemResponse('No valid token or key.'),
  403: problemResponse('Not an admin of the server.'),
}
const notFound = problemResponse('No such key, or it is over, revoked or rotated already.')
const made = {
  description: 'The key, with its secret.',
  content: { 'application/json': { schema: madeSchema } },
}
const idParams = z.object({ id: z.string().min(1).max(40) })

const createKeyRoute = createRoute({
  method: 'post',
  path: '/v1/keys',
  summary: 'Make an API key (admin)',
  security: [{ bearer: [] }],
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            name: z.string().min(1).max(64),
            scopes: z.array(z.enum(keyScopes)).min(1),
            resources: z.array(resourcePattern).min(1).optional(),
            role: z.enum(roles).optional(),
            expiresAt: z.iso.datetime().optional(),
          }),
        },
      },
    },
  },
  responses: { 201: made, ...refusals },
})

const listKeysRoute = createRoute({
  method: 'get',
  path: '/v1/keys',
  summary: 'All API keys, without their secrets (admin)',
  security: [{ bearer: [] }],
  responses: {
    200: {
      description: 'The newest first.',
      content: { 'application/json': { schema: z.object({ keys: z.array(keySchema) }) } },
    },
    ...refusals,
  },
})

const GRACE_SECONDS = 86_400

const rotateKeyRoute = createRoute({
  method: 'post',
  path: '/v1/keys/{id}/rotate',
  summary: 'Another key in the place of this one, which is good for a while longer (admin)',
  security: [{ bearer: [] }],
  request: {
    params: idParams,
    query: z.object({
      grace: z.coerce
        .number()
        .int()
        .min(0)
        .max(30 * GRACE_SECONDS)
        .default(GRACE_SECONDS)
        .openapi({
          description: 'Seconds.',
        }),
    }),
  },
  responses: { 201: made, ...refusals, 404: notFound },
})

const revokeKeyRoute = createRoute({
  method: 'delete',
  path: '/v1/keys/{id}',
  summary: 'Revoke a key, those that it replaced, and all tokens made with any of them (admin)',
  security: [{ bearer: [] }],
  request: { params: idParams },
  responses: { 204: { description: 'It is taken no more.' }, ...refusals, 404: notFound },
})

export function keyRoutes({ gatekeeper, tokens }: RestOptions): OpenAPIHono<RestEnv> {
  const { keys, announce } = tokens
  const router = createRouter()
  const adminOf = async (context: Context<RestEnv>): Promise<Actor> => {
    const principal = await principalOf(context, gatekeeper)
    await gatekeeper.requireRole(principal, ['admin'], context.get('client'))
    return { id: principal.id, kind: principal.kind }
  }
  router.openapi(createKeyRoute, async context => {
    const by = await adminOf(context)
    const { name, expiresAt, ...told } = context.req.valid('json')
    const authority = keyAuthority.safeParse(told)
    if (!authority.success) throw new WeftError('REQUEST_INVALID', firstIssue(authority.error))
    const end = expiresAt === undefined ? null : Date.parse(expiresAt)
    const { key, text } = await keys.create({
      name,
      authority: authority.data,
      expiresAt: end,
      by,
    })
    context.header('cache-control', 'no-store')
    return context.json({ ...shown(key), key: text }, 201)
  })
  router.openapi(listKeysRoute, async context => {
    await adminOf(context)
    return context.json({ keys: (await keys.list()).map(shown) }, 200)
  })
  router.openapi(rotateKeyRoute, async context => {
    const by = await adminOf(context)
    const graceMs = context.req.valid('query').grace * 1000
    const { key, text } = await keys.rotate(context.req.valid('param').id, { graceMs, by })
    context.header('cache-control', 'no-store')
    return context.json({ ...shown(key), key: text }, 201)
  })
  router.openapi(revokeKeyRoute, async context => {
    await keys.revoke(context.req.valid('param').id, await adminOf(context))
    await announce()
    return context.body(null, 204)
  })
  return router
}

const firstIssue = ({ issues: [issue] }: z.ZodError) => issue?.message ?? 'unreadable'

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString())

function shown(key: ApiKey): z.output<typeof keySchema> {
  const { scopes, resources, role } = key.authority
  return {
    id: key.id,
    name: key.name,
    scopes,
    resources,
    role,
    createdBy: key.createdBy,
    createdAt: new Date(key.createdAt).toISOString(),
    expiresAt: iso(key.expiresAt),
    lastUsedAt: iso(key.lastUsedAt),
    revokedAt: iso(key.revokedAt),
    replacedBy: key.replacedBy,
  }
}
