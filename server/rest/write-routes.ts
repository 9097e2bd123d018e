/** Edits by programs: bytes, JSON Patch, and ranges of text; one writer behind all three. */
import { createHash } from 'node:crypto'
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { applyPatch } from 'rfc6902'
import * as Y from 'yjs'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import { documentName } from '../../shared/names.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import { ownerOf } from '../../shared/system-names.ts'
import type { Pass } from '../access/pass.ts'
import { docToJson, type Json } from '../documents/doc-json.ts'
import type { DocumentHold } from '../documents/documents.ts'
import { reconcileDoc } from '../documents/reconcile.ts'
import { editText, type EditedRange } from '../documents/text-edits.ts'
import type { RequestMark } from '../journal/journal.ts'
import { principalOf } from './authenticate.ts'
import { answerProblem, problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const EDITS_MAX = 1_000
const TEXT_MAX = 1 << 20

const headers = z.object({
  'if-match': z.string().max(1_000).optional().openapi({
    description: 'The etag that the edit was decided on; 412 when the document is elsewhere.',
  }),
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .openapi({
      description: 'Chosen by you: the same request, sent again with it, is carried out once.',
    }),
})

const receiptSchema = z
  .object({
    seq: z.number().int().openapi({ description: 'The edit is durable at this seq.' }),
    etag: z.string(),
    outcome: z.enum(['changed', 'unchanged', 'repeated']).openapi({
      description: '`repeated`: an earlier request with the same key did it.',
    }),
  })
  .openapi('EditReceipt')

const params = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'acme%2Fnotes' }),
})

const refusals = {
  400: problemResponse('The request is wrong.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('The token does not allow it.'),
  404: problemResponse('There is no such document, and the token may not create it.'),
  409: problemResponse('The content is not what the edit expects.'),
  410: problemResponse('The document was deleted.'),
  412: problemResponse('The document has changed; `current` holds its etag and content.'),
  413: problemResponse('Too large.'),
  422: problemResponse('The Idempotency-Key belongs to another request.'),
  429: problemResponse('Too many documents at once; `Retry-After` says when.'),
  503: problemResponse('Not stored just now; nobody has seen anything of it.'),
}
const receipt = (schema: z.ZodType = receiptSchema) => ({
  200: { description: 'It is durable.', content: { 'application/json': { schema } } },
  ...refusals,
})
const security = [{ bearer: [] }]

const updateRoute = createRoute({
  method: 'post',
  path: '/v1/documents/{name}/update',
  summary: 'Apply a Yjs update (v1)',
  security,
  request: {
    params,
    headers,
    body: {
      required: true,
      content: {
        'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) },
      },
    },
  },
  responses: receipt(),
})

/** The library steps over these words, and would change what stands above them. */
const NO_STEP = new Set(['__proto__', 'constructor', 'prototype'])
const pointer = z
  .string()
  .max(1_000)
  .refine(path => !path.split('/').some(step => NO_STEP.has(step)), {
    message: 'leads through a key that means something to JavaScript',
  })
  .openapi({ example: '/board/cards/0/title' })
/** What came as JSON is JSON; that it is there at all is what has to be looked at. */
const jsonValue = z
  .unknown()
  .refine(value => value !== undefined, 'is missing')
  .openapi({ description: 'Any JSON.' })
const operation = z
  .discriminatedUnion('op', [
    z.object({ op: z.literal('add'), path: pointer, value: jsonValue }),
    z.object({ op: z.literal('remove'), path: pointer }),
    z.object({ op: z.literal('replace'), path: pointer, value: jsonValue }),
    z.object({ op: z.literal('move'), from: pointer, path: pointer }),
    z.object({ op: z.literal('copy'), from: pointer, path: pointer }),
    z.object({ op: z.literal('test'), path: pointer, value: jsonValue }),
  ])
  .openapi('JsonPatchOperation')

const patchRoute = createRoute({
  method: 'patch',
  path: '/v1/documents/{name}/json',
  summary: 'Change the content by JSON Patch (RFC 6902); only what differs is touched',
  security,
  request: {
    params,
    headers,
    body: {
      required: true,
      content: { 'application/json-patch+json': { schema: z.array(operation).max(EDITS_MAX) } },
    },
  },
  responses: receipt(),
})

const range = z
  .union([
    z.object({
      quote: z.string().min(1).max(TEXT_MAX),
      prefix: z.string().max(1_000).optional(),
      suffix: z.string().max(1_000).optional(),
      where: z.enum(['replace', 'before', 'after']).optional(),
    }),
    z.object({ from: z.string().max(1_000), to: z.string().max(1_000).optional() }),
  ])
  .openapi({ description: 'Words that stand there once, or relative positions (base64).' })

const textRoute = createRoute({
  method: 'post',
  path: '/v1/documents/{name}/text',
  summary: 'Edit ranges of text, by the words that stand there or by relative positions',
  security,
  request: {
    params,
    headers,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            edits: z
              .array(
                z.object({
                  root: z.string().max(255).optional(),
                  at: range,
                  insert: z.string().max(TEXT_MAX).default(''),
                }),
              )
              .min(1)
              .max(EDITS_MAX),
          }),
        },
      },
    },
  },
  responses: receipt(
    receiptSchema.extend({
      ranges: z
        .array(z.object({ from: z.string(), to: z.string() }))
        .optional()
        .openapi({ description: 'Where each inserted text stands; absent when repeated.' }),
    }),
  ),
})

export function writeRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const router = createRouter()

  router.openapi(updateRoute, async context => {
    const update = new Uint8Array(await context.req.arrayBuffer())
    return answer(context, options, { body: update, change: doc => Y.applyUpdate(doc, update) })
  })

  router.openapi(patchRoute, context => {
    const patch = context.req.valid('json')
    const change = (doc: Y.Doc) => applyJsonPatch(doc, patch)
    return answer(context, options, { body: JSON.stringify(patch), change })
  })

  router.openapi(textRoute, context => {
    const { edits } = context.req.valid('json')
    const change = (doc: Y.Doc) => ({ ranges: editText(doc, edits) })
    return answer<Ranges>(context, options, { body: JSON.stringify(edits), change })
  })

  return router
}

type Ranges = { readonly ranges: readonly EditedRange[] }
type Change<T> = { readonly body: string | Uint8Array; readonly change: (doc: Y.Doc) => T }

async function answer<T extends object | void>(
  context: Context<RestEnv>,
  options: RestOptions,
  { body, change }: Change<T>,
): Promise<never> {
  const { gatekeeper } = options
  const name = documentName(context.req.param('name') ?? '')
  const principal = await principalOf(context, gatekeeper)
  const { address } = context.get('client')
  const pass = await gatekeeper.admit(principal, name, { address })
  try {
    return await answerWith(context, options, { body, change, pass })
  } finally {
    pass.close()
  }
}

type Admitted<T> = Change<T> & { readonly pass: Pass }

async function answerWith<T extends object | void>(
  context: Context<RestEnv>,
  { documents, openings }: RestOptions,
  { body, change, pass }: Admitted<T>,
): Promise<never> {
  const { name, principal } = pass
  requireWriting(pass)
  const create = () => mayCreate(pass)
  const ifMatch = context.req.header('if-match')
  const request = requestMark(context, body)
  const author = principal.id
  // Open from here to the answer: the edit, and what it may be refused with, need it once.
  const { signal } = context.req.raw
  const hold = await openings.open(name, { by: author, user: ownerOf(principal), create, signal })
  try {
    // Opening may have taken a while, and other edits go first: access may have ended meanwhile.
    const rule = () => requireWriting(pass)
    const edit = { author, create: create(), change, ifMatch, request, rule }
    const done = await documents.edit(name, edit)
    const { seq, etag, outcome, result } = done
    return context.json({ seq, etag, outcome, ...result }, 200, { etag }) as never
  } catch (error) {
    if (toWeftError(error).code !== 'PRECONDITION_FAILED') throw error
    pass.require('read')
    return answerProblem(context, error, { current: currentOf(hold) }) as never
  } finally {
    hold.release()
  }
}

/** Throws when they may not even read: then it is not theirs to know whether there is a document. */
function mayCreate(pass: Pass): boolean {
  pass.require('read')
  return pass.decide('create').allowed
}

/** Where in the document they may write; undefined: everywhere. Throws when they may not. */
function requireWriting(pass: Pass): WriteRule | undefined {
  const writing = pass.writing()
  if (writing.access !== 'read') return writing.rule
  throw pass.refusal('write') ?? new WeftError('FORBIDDEN', 'read only')
}

/** The digest tells another request with the same key from the same one sent again. */
function requestMark(context: Context, body: string | Uint8Array): RequestMark | undefined {
  const key = context.req.header('idempotency-key')
  if (key === undefined) return undefined
  const hash = createHash('sha256').update(`${context.req.method} ${context.req.path}\n`)
  return { key, digest: hash.update(body).digest('base64url') }
}

function currentOf({ document }: DocumentHold) {
  return { etag: document.etag, content: docToJson(document.doc) }
}

function applyJsonPatch(doc: Y.Doc, patch: Parameters<typeof applyPatch>[1]): void {
  const wanted = structuredClone<{ [root: string]: Json }>(docToJson(doc))
  const [error] = applyPatch(wanted, patch).filter(one => one !== null)
  if (error !== undefined) {
    throw new WeftError('EDIT_CONFLICT', `the patch does not fit: ${error.message}`)
  }
  reconcileDoc(doc, wanted)
}
