/** Why a client may not write to a document, now: asked for each update. */
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Pass } from '../access/pass.ts'
import type { LiveDocument } from '../documents/live-document.ts'

export type WriteQuestion = {
  readonly document: LiveDocument
  readonly pass: Pass
  readonly understands: (schema: number) => boolean
}

/** Undefined: they may. */
export function writeRefusal(question: WriteQuestion): WeftError | undefined {
  const { document, pass, understands } = question
  const refusal = pass.refusal('write')
  if (refusal !== undefined) return refusal
  return understands(document.schema) ? undefined : upgradeRequired(document)
}

function upgradeRequired({ name, schema }: LiveDocument): WeftError {
  const sentence = `${quoteName(name)} follows version ${schema} of the schema`
  return new WeftError('UPGRADE_REQUIRED', sentence)
}
