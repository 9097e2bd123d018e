/** What tabs of one user tell each other. Both ends are this code, of this version or another. */
import * as z from 'zod/mini'
import { presenceStatuses } from '../../../shared/presence.ts'

const bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array)
/** Why a tab begins its document anew. */
const replacedBecause = ['another document', 'refused changes'] as const
export type ReplacedBecause = (typeof replacedBecause)[number]

const about = { name: z.string(), incarnation: z.nullable(z.string()) }

const tabMessage = z.discriminatedUnion('type', [
  /** A tab is here; others answer in kind, so that each knows all. */
  z.object({ type: z.literal('hello') }),
  z.object({ type: z.literal('bye') }),
  /** The copies of this user are being deleted: let go of them, write nothing. */
  z.object({ type: z.literal('signed out') }),
  /** What is kept on this device has changed. */
  z.object({ type: z.literal('kept') }),
  /** A document was opened, with this much in it. `answer`: in answer to another's. */
  z.object({ type: z.literal('opened'), ...about, stateVector: bytes, answer: z.boolean() }),
  z.object({ type: z.literal('update'), ...about, update: bytes }),
  z.object({ type: z.literal('awareness'), ...about, update: bytes }),
  /** May I send and hear through your socket? Meant for the leader, if it has one to that address. */
  z.object({ type: z.literal('socket'), id: z.string(), url: z.string() }),
  /** Somebody is at the device. */
  z.object({ type: z.literal('active') }),
  /** The user has chosen what others see of them. */
  z.object({ type: z.literal('status'), status: z.enum(presenceStatuses) }),
  /** The server has another document under this name now. */
  z.object({ type: z.literal('replaced'), because: z.enum(replacedBecause), ...about }),
])
export type TabMessage = z.infer<typeof tabMessage>

const envelope = z.object({ from: z.string(), message: tabMessage })
export type TabEnvelope = z.infer<typeof envelope>

/** Undefined for what a newer version of this page says. */
export function parseTabEnvelope(data: unknown): TabEnvelope | undefined {
  const parsed = envelope.safeParse(data)
  return parsed.success ? parsed.data : undefined
}
