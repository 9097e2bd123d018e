/** What the two ends of a shared socket tell each other, on a channel that only they have. */
import * as z from 'zod/mini'

const bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array)

const socketMessage = z.discriminatedUnion('type', [
  /** From the leader: it is there, and its socket is being opened. */
  z.object({ type: z.literal('accepted'), leader: z.string() }),
  z.object({ type: z.literal('opened') }),
  /** Numbered from 1 on in each direction: after a gap nobody knows what was in it. */
  z.object({ type: z.literal('frame'), number: z.number(), bytes }),
  /** Still here, and so many bytes of frames were taken in all; the leader answers in kind. */
  z.object({ type: z.literal('beat'), took: z.number() }),
  z.object({ type: z.literal('closed'), end: z.enum(['lost', 'moved', 'own', 'unanswered']) }),
])
export type SocketMessage = z.infer<typeof socketMessage>

/** Undefined for what another version of this page says. */
export function parseSocketMessage(data: unknown): SocketMessage | undefined {
  const parsed = socketMessage.safeParse(data)
  return parsed.success ? parsed.data : undefined
}

/** The channel of one virtual socket: the other tabs do not have to hear its frames. */
export function channelOfSocket(scope: string, id: string): string {
  return `${scope} socket ${id}`
}
