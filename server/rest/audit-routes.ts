/** The audit log, for those who look after it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { AuditRow } from '../audit/audit-row.ts'
import { askedBy } from './by.ts'
import { principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const LIMIT_MAX = 1_000

const nullable = z.string().nullable()
const eventSchema = z
  .object({
    seq: z.number().int().openapi({ description: '1, 2, 3, without gaps.' }),
    at: z.iso.datetime(),
    actor: z.string(),
    actorKind: z.string().openapi({ example: 'user' }),
    action: z.string().openapi({ example: 'document.delete' }),
    document: nullable,
    capability: nullable,
    decision: z.string().openapi({ example: 'allow' }),
    because: nullable,
    address: nullable,
    tokenId: nullable,
    requestId: nullable,
    details: z.record(z.string(), z.unknown()),
    prevHash: z.string(),
    hash: z.string(),
  })
  .openapi('AuditEvent')

const instant = z.iso.datetime({ offset: true }).transform(text => Date.parse(text))
const range = {
  from: instant.optional().openapi({ description: 'From this instant on.' }),
  to: instant.optional().openapi({ description: 'Before this instant.' }),
}
const filters = {
  actor: z.string().max(1_024).optional(),
  document: z.string().max(255).optional(),
  action: z.string().max(255).optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  ...range,
}

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('A parameter is wrong.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('The token is of no admin or analyst.'),
  503: problemResponse('The store is away just now.'),
}

const queryRoute = createRoute({
  method: 'get',
  path: '/v1/audit',
  summary: 'Who did what and who was refused, in order (admin, analyst)',
  security,
  request: {
    query: z.object({
      ...filters,
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: {
      description: 'A page.',
      content: {
        'application/json': {
          schema: z
            .object({
              events: z.array(eventSchema),
              next: z.number().int().nullable().openapi({
                description: 'Give it as `after` for the next page.',
              }),
            })
            .openapi('AuditPage'),
        },
      },
    },
    ...refusals,
  },
})

const exportRoute = createRoute({
  method: 'get',
  path: '/v1/audit/export',
  summary: 'The rows as they are stored, a line of JSON each (admin, analyst)',
  security,
  request: { query: z.object(filters) },
  responses: {
    200: {
      description: 'All rows, streamed. `hash` is SHA-256 of `prevHash` and the fields before it.',
      content: { 'application/x-ndjson': { schema: z.string() } },
    },
    ...refusals,
  },
})

export function auditRoutes({ gatekeeper, audit }: RestOptions): OpenAPIHono<RestEnv> {
  const router = createRouter()

  router.openapi(queryRoute, async context => {
    await gatekeeper.requireRole(
      await principalOf(context, gatekeeper),
      ['admin', 'analyst'],
      context.get('client'),
    )
    const query = context.req.valid('query')
    const rows = await audit.query(query)
    const next = rows.length < query.limit ? null : (rows.at(-1)?.seq ?? null)
    return context.json({ events: rows.map(toBody), next }, 200)
  })

  router.openapi(exportRoute, async context => {
    const principal = await principalOf(context, gatekeeper)
    await gatekeeper.requireRole(principal, ['admin', 'analyst'], context.get('client'))
    const query = context.req.valid('query')
    audit.note({
      ...askedBy(context, principal),
      action: 'audit.export',
      decision: 'allow',
      details: query,
    })
    const headers = { 'content-type': 'application/x-ndjson' }
    // The library has types for JSON and for text, and this is neither.
    return new Response(streamOf(audit.export(query)), { headers }) as never
  })

  return router
}

function toBody({ at, details, ...row }: AuditRow) {
  return { ...row, at: new Date(at).toISOString(), details: readDetails(details) }
}

/** What somebody has written into the table by hand may be no JSON, and must be seen all the same. */
function readDetails(details: string): Record<string, unknown> {
  try {
    return JSON.parse(details) as Record<string, unknown>
  } catch {
    return { unreadable: details }
  }
}

/** Read on as far as the asker reads. */
function streamOf(texts: AsyncIterable<string>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  const iterator = texts[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next()
      if (next.done === true) controller.close()
      else controller.enqueue(encoder.encode(next.value))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
