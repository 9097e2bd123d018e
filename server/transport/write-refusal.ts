/** Why a client may not write to a document, now: asked for each update. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Decision } from '../../shared/decide.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { LiveDocument } from '../documents/live-document.ts'

export type WriteQuestion = {
  readonly document: LiveDocument
  readonly principal: () => Principal
  readonly mayWrite: () => Decision
  readonly understands: (schema: number) => boolean
  readonly clock: Clock
}

/** Undefined: they may. */
export function writeRefusal(question: WriteQuestion): WeftError | undefined {
  const { document, principal, mayWrite, understands, clock } = question
  const decision = mayWrite()
  if (!decision.allowed) {
    const isExpired = clock.now() >= principal().writesUntil
    return new WeftError(isExpired ? 'TOKEN_EXPIRED' : 'FORBIDDEN', decision.because)
  }
  return understands(document.schema) ? undefined : upgradeRequired(document)
}

export function upgradeRequired({ name, schema }: LiveDocument): WeftError {
  const sentence = `${quoteName(name)} follows version ${schema} of the schema`
  return new WeftError('UPGRADE_REQUIRED', sentence)
}
