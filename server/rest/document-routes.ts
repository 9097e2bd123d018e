/** Documents over REST: list, head, content, create, delete. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { HonoRequest } from 'hono'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { documentName, quoteName, type DocumentName } from '../../shared/names.ts'
import type { Principal } from '../../shared/permissions.ts'
import { ownerOf } from '../../shared/system-names.ts'
import { docToJson } from '../documents/doc-json.ts'
import type { Ask } from '../access/gatekeeper.ts'
import type { Seed } from '../documents/document-hooks.ts'
import { readablePage } from './document-list.ts'
import { etagOf, headSchema, toBody } from './document-head.ts'
import { askedBy } from './by.ts'
import { authorize, principalOf } from './authenticate.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const LIST_LIMIT_MAX = 1_000

const listSchema = z
  .object({
    documents: z.array(headSchema),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page.' }),
  })
  .openapi('DocumentList')

const nameParam = z.object({
  name: z.string().openapi({
    param: { name: 'name', in: 'path' },
    description: 'The name, with each `/` written as `%2F`.',
    example: 'acme%2Fplan-7%2Fnotes',
  }),
})

const security = [{ bearer: [] }]
const refusals = {
  401: problemResponse('No valid token.'),
  403: problemResponse('The token does not allow it.'),
  429: problemResponse('Too many documents at once; `Retry-After` says when.'),
}
const absences = {
  400: problemResponse('The name or a parameter is bad.'),
  404: problemResponse('There is no such document.'),
  410: problemResponse('It was deleted.'),
  500: problemResponse('What is stored of it fails its check.'),
  503: problemResponse('The store is away just now.'),
}

const listRoute = createRoute({
  method: 'get',
  path: '/v1/documents',
  summary: 'List the documents that the token may read, in order of their names',
  security,
  request: {
    query: z.object({
      space: z.string().max(255).optional().openapi({ description: 'Only this space and below.' }),
      after: z.string().max(255).optional(),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100),
    }),
  },
  responses: {
    200: { description: 'A page.', content: { 'application/json': { schema: listSchema } } },
    400: problemResponse('A parameter is wrong.'),
    ...refusals,
  },
})

const headRoute = createRoute({
  method: 'get',
  path: '/v1/documents/{name}',
  summary: 'What is stored of a document',
  security,
  request: { params: nameParam },
  responses: {
    200: { description: 'Its head.', content: { 'application/json': { schema: headSchema } } },
    ...refusals,
    ...absences,
  },
})

const contentRoute = createRoute({
  method: 'get',
  path: '/v1/documents/{name}/content',
  summary: 'The content of a document, with edits that were made this very moment',
  security,
  request: {
    params: nameParam,
    query: z.object({
      format: z.enum(['json', 'update']).default('json').openapi({
        description: '`json`: every root type; `update`: one Yjs update (v1) of everything.',
      }),
    }),
  },
  responses: {
    200: {
      description: 'The content.',
      content: {
        'application/json': {
          schema: z.object({ name: z.string(), content: z.record(z.string(), z.unknown()) }),
        },
        'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) },
      },
    },
    ...refusals,
    ...absences,
  },
})

const createDocumentRoute = createRoute({
  method: 'put',
  path: '/v1/documents/{name}',
  summary: 'Make a document, also where one was deleted; with content, if it is new',
  security,
  request: {
    params: nameParam,
    headers: z.object({
      'if-none-match': z.literal('*').optional().openapi({
        description: 'Needed with content: 412 when the document is there already.',
      }),
    }),
    body: {
      required: false,
      description: 'What the document begins with, stored together with it or not at all.',
      content: {
        'application/json': { schema: z.record(z.string(), z.unknown()) },
        'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) },
      },
    },
  },
  responses: {
    200: { description: 'It was there.', content: { 'application/json': { schema: headSchema } } },
    201: { description: 'It is new.', content: { 'application/json': { schema: headSchema } } },
    400: problemResponse('The name or the content is bad.'),
    412: problemResponse('It was there already, and `If-None-Match: *` was given.'),
    ...refusals,
  },
})

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/documents/{name}',
  summary: 'Delete a document; clients that have it open are told, and keep their copy',
  security,
  request: { params: nameParam },
  responses: { 204: { description: 'It is gone.' }, ...refusals, ...absences },
})

export function documentRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { documents, openings, gatekeeper } = options
  const router = createRouter()

  router.openapi(listRoute, async context => {
    const principal = await principalOf(context, gatekeeper)
    const { space = '', after = '', limit } = context.req.valid('query')
    const prefix = space === '' ? '' : `${documentName(space)}/`
    const asker = { principal, situation: context.get('client') }
    const page = await readablePage(options, asker, { prefix, after, limit })
    return context.json({ documents: page.heads.map(toBody), next: page.next }, 200)
  })

  router.openapi(headRoute, async context => {
    const name = documentName(context.req.valid('param').name)
    await authorize(context, gatekeeper, { resource: name, capability: 'read' })
    const head = await documents.head(name)
    if (head === undefined) {
      throw new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
    }
    if (head.deletedAt !== null) {
      throw new WeftError('DOCUMENT_DELETED', `${quoteName(name)} was deleted`)
    }
    return context.json(toBody(head), 200, { etag: etagOf(head) })
  })

  router.openapi(contentRoute, async context => {
    const name = documentName(context.req.valid('param').name)
    const situation = context.get('client')
    const reading = { resource: name, capability: 'read', situation } as const
    const principal = await authorize(context, gatekeeper, reading)
    const { signal } = context.req.raw
    const hold = await openings.open(name, {
      by: principal.id,
      user: ownerOf(principal),
      create: () => false,
      signal,
    })
    try {
      await hold.document.nodes.catchUp()
      // Opening may have taken a while, and access may have ended meanwhile.
      await gatekeeper.require(principal, reading)
      const { doc } = hold.document
      const headers = { etag: hold.document.etag }
      if (context.req.valid('query').format === 'json') {
        return context.json({ name, content: docToJson(doc) }, 200, headers)
      }
      const update = Uint8Array.from(Y.encodeStateAsUpdate(doc))
      return context.body(update.buffer, 200, {
        ...headers,
        'content-type': 'application/octet-stream',
      })
    } finally {
      hold.release()
    }
  })

  makingRoutes(router, options)
  return router
}

/** Those that make documents, and take them away. */
function makingRoutes(router: OpenAPIHono<RestEnv>, options: RestOptions): void {
  const { documents, openings, gatekeeper, audit } = options
  router.openapi(createDocumentRoute, async context => {
    const name = documentName(context.req.valid('param').name)
    const situation = context.get('client')
    const creating = { resource: name, capability: 'create', situation } as const
    const principal = await authorize(context, gatekeeper, creating)
    const isNewOnly = context.req.valid('header')['if-none-match'] === '*'
    const seed = await seedOf(context.req)
    if (seed !== undefined && !isNewOnly) {
      throw new WeftError('REQUEST_INVALID', 'content is taken with `If-None-Match: *` only')
    }
    const by = principal.id
    await openings.turn(name, {
      by,
      user: ownerOf(principal),
      signal: context.req.raw.signal,
    })
    // The turn may have been a while in coming, and access may have ended meanwhile.
    await gatekeeper.require(principal, creating)
    if (seed !== undefined) await requireWriting(options, principal, creating)
    const { head, created } = await documents.create(name, { by, seed })
    if (created) audit.note({ ...askedBy(context, principal), ...creationOf(name) })
    if (!created && isNewOnly) {
      throw new WeftError('PRECONDITION_FAILED', `${quoteName(name)} is there already`)
    }
    return context.json(toBody(head), created ? 201 : 200, { etag: etagOf(head) })
  })

  router.openapi(deleteRoute, async context => {
    const name = documentName(context.req.valid('param').name)
    const principal = await authorize(context, gatekeeper, { resource: name, capability: 'delete' })
    const head = await documents.remove(name, principal.id)
    if (head === undefined) {
      throw new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
    }
    audit.note({ ...askedBy(context, principal), ...deletionOf(name) })
    return context.body(null, 204)
  })
}

/** What a document begins with is written, and anywhere in it. Throws FORBIDDEN. */
async function requireWriting({ gatekeeper }: RestOptions, principal: Principal, ask: Ask) {
  const { paths } = await gatekeeper.require(principal, { ...ask, capability: 'write' })
  if (paths === null) return
  throw new WeftError('FORBIDDEN', 'writing is limited to some paths, and content is not')
}

function creationOf(document: DocumentName) {
  return { action: 'document.create', document, capability: 'create', decision: 'allow' } as const
}

function deletionOf(document: DocumentName) {
  return { action: 'document.delete', document, capability: 'delete', decision: 'allow' } as const
}

/** The body of a creation: JSON of the root types, a Yjs update, or nothing. */
async function seedOf(request: HonoRequest): Promise<Seed | undefined> {
  const bytes = new Uint8Array(await request.arrayBuffer())
  if (bytes.byteLength === 0) return undefined
  const type = request.header('content-type') ?? ''
  if (type.startsWith('application/octet-stream')) return bytes
  if (!type.startsWith('application/json')) {
    throw new WeftError('REQUEST_INVALID', 'content is JSON or application/octet-stream')
  }
  const parsed = z.record(z.string(), z.json()).safeParse(await request.json())
  if (parsed.success) return parsed.data
  throw new WeftError('REQUEST_INVALID', 'content is an object: root types by their names')
}
