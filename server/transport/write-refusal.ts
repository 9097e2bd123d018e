/** Why a client may not write to a document, now: asked for each update. */
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import type { Pass } from '../access/pass.ts'
import type { LiveDocument } from '../documents/live-document.ts'

export type WriteQuestion = {
  readonly document: LiveDocument
  readonly pass: Pass
  readonly understands: (schema: number) => boolean
}

/** What they may do, or why they may only read. */
export type WriteAnswer =
  | { readonly access: 'read'; readonly refusal: WeftError }
  | { readonly access: 'comment' | 'write'; readonly rule: WriteRule | undefined }

export function mayWrite({ document, pass, understands }: WriteQuestion): WriteAnswer {
  const writing = pass.writing()
  if (writing.access === 'read') return { access: 'read', refusal: readOnly(pass) }
  if (understands(document.schema)) return writing
  return { access: 'read', refusal: upgradeRequired(document) }
}

function readOnly(pass: Pass): WeftError {
  return pass.refusal('write') ?? new WeftError('FORBIDDEN', 'read only')
}

function upgradeRequired({ name, schema }: LiveDocument): WeftError {
  const sentence = `${quoteName(name)} follows version ${schema} of the schema`
  return new WeftError('UPGRADE_REQUIRED', sentence)
}
