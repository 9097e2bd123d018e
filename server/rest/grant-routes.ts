/** Who may do what: giving, listing and taking back; and why an answer is as it is. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { capabilities, resourcePattern } from '../../shared/permissions.ts'
import { roleName, subjectText, type StoredGrant } from '../access/grants/grant.ts'
import { by } from './by.ts'
import { jsonAnswer, jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const LIST_LIMIT_MAX = 1_000

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is not of this shape.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('Whoever asks may not share this, or would give more than they may.'),
}

const capability = z.enum(capabilities)
const endOf = z.iso.datetime({ offset: true }).openapi({ example: '2027-01-31T18:00:00Z' })
const details = {
  role: roleName.optional().openapi({ example: 'editor' }),
  capabilities: z.array(capability).min(1).optional(),
  paths: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(50)
    .optional()
    .openapi({
      description: 'Writing is limited to these shared types and map keys.',
      example: ['comments', 'fields.*'],
    }),
  condition: z.string().min(1).max(1_000).optional().openapi({
    description:
      'CEL over `now`, `address`, `claims` and `inNetwork(address, cidr)`; no loops, no `matches`.',
    example: 'inNetwork(address, "10.0.0.0/8") && claims.department == "legal"',
  }),
  expiresAt: endOf.optional(),
}

const orderSchema = z
  .strictObject({
    subject: subjectText,
    resource: resourcePattern,
    effect: z.enum(['allow', 'deny']).default('allow'),
    ...details,
    sponsor: z.string().min(1).max(200).optional(),
  })
  .refine(({ role, capabilities: some }) => (role === undefined) !== (some === undefined), {
    error: 'say either a role or capabilities',
  })
  .openapi('GrantOrder')

const changeSchema = z
  .strictObject({
    ...details,
    paths: details.paths.unwrap().nullish(),
    condition: details.condition.unwrap().nullish(),
    expiresAt: endOf.nullish(),
  })
  .refine(({ role, capabilities: some }) => role === undefined || some === undefined, {
    error: 'say either a role or capabilities',
  })
  .openapi('GrantChange')

const grantBody = z
  .object({
    id: z.string(),
    subject: z.string(),
    resource: z.string(),
    effect: z.enum(['allow', 'deny']),
    role: z.string().nullable(),
    capabilities: z.array(capability).nullable(),
    paths: z.array(z.string()).nullable(),
    condition: z.string().nullable(),
    grantedBy: z.string(),
    sponsor: z.string().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    status: z.enum(['active', 'revoked', 'expired']),
  })
  .openapi('Grant')

const idParam = z.object({ id: z.string().min(1).max(100) })

const createGrantRoute = createRoute({
  method: 'post',
  path: '/v1/grants',
  summary: 'Give (or deny) somebody access; in force on every open connection within two seconds',
  security,
  request: jsonBody(orderSchema),
  responses: { 201: jsonAnswer('It is in force.', grantBody), ...refusals },
})

const listGrantsRoute = createRoute({
  method: 'get',
  path: '/v1/grants',
  summary: 'Grants of a resource, or of a subject',
  security,
  request: {
    query: z.object({
      subject: subjectText.optional(),
      resource: resourcePattern.optional(),
      status: z.enum(['active', 'revoked', 'expired']).default('active'),
      after: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: jsonAnswer(
      'A page.',
      z.object({ grants: z.array(grantBody), next: z.string().nullable() }),
    ),
    ...refusals,
  },
})

const notFound = { 404: problemResponse('There is no such grant in force.') }

const getGrantRoute = createRoute({
  method: 'get',
  path: '/v1/grants/{id}',
  summary: 'One grant, whether in force or not',
  security,
  request: { params: idParam },
  responses: { 200: jsonAnswer('The grant.', grantBody), ...refusals, ...notFound },
})

const changeGrantRoute = createRoute({
  method: 'patch',
  path: '/v1/grants/{id}',
  summary: 'Change what a grant gives, or its end; null takes something away',
  security,
  request: { params: idParam, ...jsonBody(changeSchema) },
  responses: { 200: jsonAnswer('It is in force.', grantBody), ...refusals, ...notFound },
})

const revokeGrantRoute = createRoute({
  method: 'delete',
  path: '/v1/grants/{id}',
  summary: 'Take a grant back; open connections live by it within two seconds',
  security,
  request: { params: idParam },
  responses: { 204: { description: 'It is out of force.' }, ...refusals, ...notFound },
})

const explainRoute = createRoute({
  method: 'get',
  path: '/v1/access/explain',
  summary: 'May somebody do that, and why? Of others: by the grants of the store alone',
  security,
  request: {
    query: z.object({
      resource: resourcePattern,
      capability: capability.default('read'),
      user: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .openapi({ description: 'Whoever asks, unless given.' }),
      groups: z.string().max(2_000).optional().openapi({ description: 'Comma-separated.' }),
    }),
  },
  responses: {
    200: jsonAnswer(
      'The answer.',
      z
        .object({
          allowed: z.boolean(),
          because: z.string(),
          until: z.iso.datetime().nullable().openapi({
            description: 'The answer may be another one from then on; null: when a grant changes.',
          }),
          paths: z.array(z.string()).nullable(),
        })
        .openapi('Decision'),
    ),
    ...refusals,
  },
})

export function grantRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { grants } = options
  const router = createRouter()

  router.openapi(createGrantRoute, async context => {
    const { expiresAt, ...order } = context.req.valid('json')
    const grant = await grants.create(await by(context, options), {
      ...withoutUndefined(order),
      ...(expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) }),
    })
    return context.json(toBody(grant), 201)
  })
  router.openapi(listGrantsRoute, async context => {
    const query = context.req.valid('query')
    const found = await grants.list(await by(context, options), query)
    const next = found.length === query.limit ? (found.at(-1)?.id ?? null) : null
    return context.json({ grants: found.map(toBody), next }, 200)
  })
  router.openapi(getGrantRoute, async context => {
    const grant = await grants.get(await by(context, options), context.req.valid('param').id)
    return context.json(toBody(grant), 200)
  })
  router.openapi(changeGrantRoute, async context => {
    const { expiresAt, ...change } = context.req.valid('json')
    const end = typeof expiresAt === 'string' ? Date.parse(expiresAt) : expiresAt
    const { id } = context.req.valid('param')
    const grant = await grants.change(await by(context, options), id, {
      ...withoutUndefined(change),
      ...(end === undefined ? {} : { expiresAt: end }),
    })
    return context.json(toBody(grant), 200)
  })
  router.openapi(revokeGrantRoute, async context => {
    await grants.revoke(await by(context, options), context.req.valid('param').id)
    return context.body(null, 204)
  })
  router.openapi(explainRoute, async context => {
    const { resource, capability: asked, user, groups } = context.req.valid('query')
    const asker = await by(context, options)
    const principal = {
      id: user ?? asker.principal.id,
      groups: groups?.split(',') ?? (user === undefined ? asker.principal.groups : []),
    }
    const answer = await grants.explain(asker, { principal, resource, capability: asked })
    const { allowed, because, until } = answer
    const paths = answer.allowed && answer.paths !== null ? [...answer.paths] : null
    return context.json({ allowed, because, until: toDate(until), paths }, 200)
  })
  return router
}

function toBody(grant: StoredGrant): z.input<typeof grantBody> {
  const { capabilities: some, paths, createdAt, expiresAt, sponsor, ...rest } = grant
  return {
    ...rest,
    capabilities: some === null ? null : [...some],
    paths: paths === null ? null : [...paths],
    sponsor: sponsor ?? null,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  }
}

function toDate(instant: number): string | null {
  // Dates end somewhere in the year 275760.
  return instant <= 8.64e15 ? new Date(instant).toISOString() : null
}

/** Left out and undefined are the same to JSON, and not to exact types. */
function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> }
}
