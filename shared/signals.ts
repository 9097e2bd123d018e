/** Signals: small messages that nobody keeps, to those who are in a room just now. */
// The small build: it does not compile schemas with `eval`, which pages with a strict policy forbid.
import * as z from 'zod/mini'
import { principalKinds } from './permissions.ts'

/** Words joined by dots, such as `chat.message`. */
const WORDS = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/
/** The same, with `*` for one word; at the end for one or more. `*` alone is everything. */
const PATTERN = /^(\*|[A-Za-z0-9_-]{1,64})(\.(\*|[A-Za-z0-9_-]{1,64})){0,7}$/

/** Begin types that only the server sends. */
export const RESERVED_TYPES = ['weft.', 'system.', 'presence.'] as const

/** Patterns that one session may follow at once. */
export const TOPICS_MAX = 50

export const signalType = z
  .string()
  .check(z.regex(WORDS, 'must be words of A-Z a-z 0-9 _ - joined by dots'))
export const signalTopic = z
  .string()
  .check(z.regex(WORDS, 'must be words of A-Z a-z 0-9 _ - joined by dots'))
export const topicPattern = z.string().check(z.regex(PATTERN, 'is no pattern of topics'))

/** Whom in a room; without any of it, everybody in it. */
export const signalAudience = z.strictObject({
  /** All sessions of this user. */
  user: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  /** One session, by its client id in awareness. */
  session: z.optional(z.int().check(z.minimum(0))),
  /** Sessions that follow it. */
  topic: z.optional(signalTopic),
})
export type SignalAudience = z.infer<typeof signalAudience>

/** As `from` tells it; what is in it comes from the token. */
const sender = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(principalKinds),
  /** The client id of the sender's session; absent over REST, and before it is present. */
  session: z.optional(z.int()),
})
export type SignalSender = z.infer<typeof sender>

export const signalEnvelope = z.object({
  /** Unique; who is in several rooms may get it twice. */
  id: z.string(),
  type: signalType,
  /** Ms since 1970, by the server's clock. */
  ts: z.number(),
  from: sender,
  to: signalAudience,
  /** JSON of the application. */
  data: z.unknown(),
})
export type SignalEnvelope = z.infer<typeof signalEnvelope>

/** Does the pattern cover the topic or type? `chat.*` covers `chat.a` and `chat.a.b`, not `chat`. */
export function matchesTopic(pattern: string, topic: string): boolean {
  const wanted = pattern.split('.')
  const words = topic.split('.')
  const isOpen = wanted.at(-1) === '*'
  if (isOpen ? words.length < wanted.length : words.length !== wanted.length) return false
  return wanted.every((word, i) => word === '*' || word === words[i])
}
