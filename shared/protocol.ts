/**
 * What weft adds to the Hocuspocus protocol: small JSON messages inside stateless frames, and one
 * JSON text behind the token. Stock clients ignore the one and never send the other.
 */
// The small build: it does not compile schemas with `eval`, which pages with a strict policy forbid.
import * as z from 'zod/mini'
import { errorCodes, type ErrorCode } from './errors.ts'
import { personFields } from './presence.ts'
import { TOPICS_MAX, signalAudience, signalEnvelope, signalType, topicPattern } from './signals.ts'

/** Raise it with every change of these schemas; a test compares their fingerprint. */
export const PROTOCOL_VERSION = 5

/** Both ends included. */
const schemaRange = z.object({
  min: z.int().check(z.minimum(0)),
  max: z.int().check(z.minimum(0)),
})
export type SchemaRange = z.infer<typeof schemaRange>

/** Sent by the sdk behind its token, once per document and connection. */
export const clientHello = z.object({
  protocol: z.int().check(z.positive()),
  /** The incarnation that the client's local copy belongs to; absent when it has none. */
  incarnation: z.optional(z.string().check(z.maxLength(64))),
  /** Versions of the application's schema that the client understands; absent when it has none. */
  schema: z.optional(schemaRange),
  /** Number of the last frame that was sent before: what is late of an earlier attachment is not taken. */
  lastFrame: z.optional(z.int().check(z.minimum(0))),
  /** Counts how often the client has asked to be let in; the answer says it again. */
  asking: z.optional(z.int().check(z.minimum(0))),
})
export type ClientHello = z.infer<typeof clientHello>

const wireError = z.object({
  code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.optional(z.number()),
  hint: z.string(),
})

/** `comment`: what it adds in some shared types, and what is its own there. */
const access = z.enum(['read', 'comment', 'write'])

const writeRule = z.object({ paths: z.array(z.string()), own: z.boolean() })

/** The document is open: who it is, what this client may do, and the limits it has to keep. */
const serverHello = z.object({
  type: z.literal('weft.hello'),
  protocol: z.int().check(z.positive()),
  incarnation: z.string(),
  seq: z.number(),
  access,
  /** Where in the document this client may write; absent: everywhere. */
  rule: z.optional(writeRule),
  /** Version of the application's schema that the document follows. */
  schema: z.optional(z.int().check(z.minimum(0))),
  limits: z.object({ updateBytes: z.number(), frameBytes: z.number() }),
  /** The server sends something at least this often, ms. */
  pingIntervalMs: z.number(),
  /** Which asking this answers: one that came late is about an attachment that is over. */
  asking: z.optional(z.int()),
  /** Who the client is, as others are shown it. */
  you: z.optional(personFields),
})

/** Are edits of this document reaching the disk? Sent when the answer changes. */
const savingMessage = z.object({
  type: z.literal('weft.saving'),
  state: z.enum(['ok', 'failing']),
})

/** What this client may do has changed; `because` is for people. */
const accessMessage = z.object({
  type: z.literal('weft.access'),
  access,
  rule: z.optional(writeRule),
  error: z.optional(wireError),
})

/**
 * The answer to a check: do both ends hold the same? What was said before of access and saving is
 * said again, for whoever did not hear it.
 */
const checkedMessage = z.object({
  type: z.literal('weft.checked'),
  id: z.int(),
  /** `unknown` while there is too much to do for a comparison. */
  result: z.enum(['same', 'different', 'unknown']),
  access: z.optional(access),
  /** Why the access is less than the token's. */
  error: z.optional(wireError),
  saving: z.optional(z.enum(['ok', 'failing'])),
})

/** A refusal that concerns this document alone. */
const errorMessage = z.object({ type: z.literal('weft.error'), error: wireError })

/** A signal for this client. */
const signalReceived = z.object({ type: z.literal('weft.signal'), signal: signalEnvelope })

/** What became of the client's own signal or topics, by the number that it gave them. */
const requestAnswer = z.object({
  type: z.literal('weft.answer'),
  ref: z.int(),
  /** Of a signal: its id, and how many sessions got it, on all nodes. */
  sent: z.optional(z.object({ id: z.string(), receivers: z.int() })),
  /** Why it was refused. */
  error: z.optional(wireError),
})

export const controlMessage = z.discriminatedUnion('type', [
  serverHello,
  savingMessage,
  accessMessage,
  checkedMessage,
  errorMessage,
  signalReceived,
  requestAnswer,
])
export type ControlMessage = z.infer<typeof controlMessage>
export type ServerHello = z.infer<typeof serverHello>
export type RequestAnswer = z.infer<typeof requestAnswer>
export type CheckedMessage = z.infer<typeof checkedMessage>

/** Sent by the sdk when all has been quiet for a while; see digest.ts. */
export const checkMessage = z.object({
  type: z.literal('weft.check'),
  id: z.int().check(z.minimum(0)),
  digest: z.string().check(z.maxLength(64)),
  /** How often in a row the answer was "different" so far. */
  attempt: z.int().check(z.minimum(0)),
})
export type CheckMessage = z.infer<typeof checkMessage>

const ref = z.int().check(z.minimum(0))

/** A client's signal to the room of the document whose address the frame carries. */
export const sendSignal = z.object({
  type: z.literal('weft.send'),
  ref,
  signal: z.object({ type: signalType, to: signalAudience, data: z.unknown() }),
})
export type SendSignal = z.infer<typeof sendSignal>

/** Which topics of this room the client follows from now on: all of them, and no others. */
export const followTopics = z.object({
  type: z.literal('weft.follow'),
  ref,
  topics: z.array(topicPattern).check(z.maxLength(TOPICS_MAX)),
})
export type FollowTopics = z.infer<typeof followTopics>

/** Everything that has a shape on the wire, for the fingerprint test. */
export const allMessages = [
  clientHello,
  controlMessage,
  checkMessage,
  sendSignal,
  followTopics,
] as const

/** A stateless payload as a control message; undefined when it is the application's own. */
export function parseControlMessage(payload: string): ControlMessage | undefined {
  if (!payload.startsWith('{"type":"weft.')) return undefined
  const parsed = controlMessage.safeParse(safeJson(payload))
  return parsed.success ? parsed.data : undefined
}

/** A stateless payload of a client as weft's own message; undefined when it is none. */
export function parseCheckMessage(payload: string): CheckMessage | undefined {
  if (!payload.startsWith('{"type":"weft.check"')) return undefined
  const parsed = checkMessage.safeParse(safeJson(payload))
  return parsed.success ? parsed.data : undefined
}

/** The hello behind a token; undefined for stock clients and for anything unreadable. */
export function parseClientHello(text: string): ClientHello | undefined {
  if (text === '') return undefined
  const parsed = clientHello.safeParse(safeJson(text))
  return parsed.success ? parsed.data : undefined
}

export function encodeControlMessage(message: ControlMessage): string {
  // `type` first, so that parseControlMessage can tell it from application messages cheaply.
  const { type, ...rest } = message
  return JSON.stringify({ type, ...rest })
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: the schema refuses `undefined` with the same result.
    return undefined
  }
}
