/** Document names: what they may look like, and which space a document belongs to. */
import { WeftError } from './errors.ts'

export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** A checked name such as `acme/plan-7/notes`; only {@link documentName} makes one. */
export type DocumentName = Brand<string, 'DocumentName'>
/** The part of a document's name before its last `/`; `''` is the top. */
export type SpaceName = Brand<string, 'SpaceName'>

export const NAME_BYTES_MAX = 255

const grammar = /^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/

/**
 * Reads a document name: 1 to 255 bytes, segments of `[A-Za-z0-9._~-]` joined by `/`, none of them
 * `.` or `..`. Throws NAME_INVALID, or NAME_RESERVED for the system's own names (`~...`).
 */
export function documentName(text: string): DocumentName {
  // Length first: a regular expression must not walk megabytes of somebody's joke.
  if (text.length === 0 || text.length > NAME_BYTES_MAX || !grammar.test(text)) {
    throw new WeftError('NAME_INVALID', `${quoteName(text)} is no name of a document or a space`)
  }
  if (text.split('/').some(segment => segment === '.' || segment === '..')) {
    throw new WeftError('NAME_INVALID', `${quoteName(text)} is no name of a document or a space`)
  }
  if (text.startsWith('~')) {
    throw new WeftError('NAME_RESERVED', `${quoteName(text)} belongs to the system`)
  }
  return text as DocumentName
}

export function spaceOf(name: DocumentName): SpaceName {
  return name.slice(0, Math.max(0, name.lastIndexOf('/'))) as SpaceName
}

/** A name for messages and logs: shortened, and with everything unprintable escaped. */
export function quoteName(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text
  return JSON.stringify(shown).replace(
    /[^\x20-\x7e]/g,
    character => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
