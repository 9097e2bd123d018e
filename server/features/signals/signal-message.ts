/** What nodes say to each other about signals. */
import { z } from 'zod'
import { WeftError } from '../../../shared/errors.ts'
import { signalEnvelope } from '../../../shared/signals.ts'

/** Answers that are told together. */
export const COUNTS_MAX = 10_000

const signalMessage = z.discriminatedUnion('kind', [
  /** For the room's sessions on the other nodes. */
  z.object({
    kind: z.literal('tell'),
    question: z.string(),
    room: z.string(),
    signal: signalEnvelope,
    /** The sender's, if they have one. */
    tenant: z.string().optional(),
  }),
  /** How many sessions got it, by question. */
  z.object({
    kind: z.literal('got'),
    counts: z.array(z.tuple([z.string(), z.number().int().min(0)])).max(COUNTS_MAX),
  }),
])
export type SignalMessage = z.infer<typeof signalMessage>

export const SIGNAL_CHANNEL = 'signals'

export function encodeSignalMessage(message: SignalMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message))
}

/** Throws FRAME_INVALID. */
export function decodeSignalMessage(bytes: Uint8Array): SignalMessage {
  try {
    return signalMessage.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'no message about signals', { cause: error })
  }
}
