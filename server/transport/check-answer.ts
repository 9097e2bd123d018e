/** What weft's own clients are told when they ask whether both ends hold the same. */
import type { CheckMessage, ControlMessage } from '../../shared/protocol.ts'
import type { Metrics } from '../base/metrics.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import type { Room } from './room.ts'
import type { WriteAnswer } from './write-refusal.ts'

export type CheckFacts = {
  readonly document: LiveDocument
  readonly room: Room
  readonly metrics: Metrics
  readonly answer: WriteAnswer
  /** False: the client lags behind, and there is nothing to compare. */
  readonly keepsUp: boolean
}

/** Always answered: a client that hears nothing takes it that nobody knows of it here. */
export function answerCheck(check: CheckMessage, facts: CheckFacts): ControlMessage {
  const { document, answer } = facts
  return {
    type: 'weft.checked',
    id: check.id,
    result: compare(check, facts),
    access: answer.access,
    ...(answer.access === 'read' ? { error: answer.refusal.toWire() } : {}),
    saving: document.saving,
  }
}

function compare(
  { digest, attempt }: CheckMessage,
  { document, room, metrics, keepsUp }: CheckFacts,
) {
  if (!keepsUp) return 'unknown'
  // Whatever the client has not been told yet goes before the answer.
  room.flush()
  const ours = document.digest()
  if (ours === undefined) return 'unknown'
  if (ours === digest) return 'same'
  metrics.divergence.inc({ attempt: Math.min(attempt, 3) })
  return 'different'
}
