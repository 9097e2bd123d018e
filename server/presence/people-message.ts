/** What nodes ask each other about people, and answer. */
import { z } from 'zod'
import { WeftError } from '../../shared/errors.ts'

/** Whom: everybody on a document, one user wherever they are, or the devices of one. */
const query = z.union([
  z.object({ document: z.string() }),
  z.object({ user: z.string() }),
  z.object({ devicesOf: z.string() }),
])
export type PeopleQuery = z.infer<typeof query>

/** Told in one answer at most; the rest is passed over. */
export const ANSWER_MAX = 2_000

const presentState = z.object({
  document: z.string(),
  /** JSON of a stamped state; of a device's origin, when devices were asked for. */
  state: z.string(),
})
export type PresentState = z.infer<typeof presentState>

/** Which agent's presence: of a principal, on a document, under an id of their own. */
const agentAddress = z.object({
  principalId: z.string(),
  tenant: z.string().nullable().default(null),
  document: z.string(),
  id: z.string(),
})
export type AgentAddress = z.infer<typeof agentAddress>

const peopleMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ask'), question: z.string(), query }),
  z.object({
    kind: z.literal('answer'),
    question: z.string(),
    states: z.array(presentState).max(ANSWER_MAX),
  }),
  /** An agent has left: it may have announced itself through any node. */
  z.object({ kind: z.literal('leave'), agent: agentAddress }),
])
export type PeopleMessage = z.infer<typeof peopleMessage>

export const PEOPLE_CHANNEL = 'people'

export function encodePeopleMessage(message: PeopleMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message))
}

/** Throws FRAME_INVALID. */
export function decodePeopleMessage(bytes: Uint8Array): PeopleMessage {
  try {
    return peopleMessage.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'no message about people', { cause: error })
  }
}
