/**
 * Places inside a document, and patterns for them. A place is a root type's name and the keys of
 * maps below it (attributes of elements and texts are keys, too); what stands in a list or a text
 * has no name of its own and is where the list is. `fields.*` covers each entry of `fields` with all
 * that is in it, and not `fields` itself; `comments` covers all of that root type.
 */
import { z } from 'zod'

/** A root type's name, then keys. */
export type DocumentPath = readonly string[]

/** `null` is `*`: any one segment. */
export type PathPattern = readonly (string | null)[]

/** More would be looked at for each change of its holder. */
const PATTERNS_MAX = 50

/** Segments joined by dots; `*` is any one segment; `\` before `.`, `*` or `\` takes it as it is. */
export const pathPatternSchema = z
  .string()
  .max(255)
  .refine(text => parsePathPattern(text) !== undefined, {
    error: 'is no path: segments joined by dots, * for any one, \\ before a dot or star in a name',
  })

export const pathPatternsSchema = z.array(pathPatternSchema).min(1).max(PATTERNS_MAX)

/** Undefined when the text is no pattern. */
export function parsePathPattern(text: string): PathPattern | undefined {
  const pattern: (string | null)[] = []
  let segment = ''
  let isStar = false
  for (let at = 0; at <= text.length; at++) {
    const character = text[at]
    if (character === undefined || character === '.') {
      // A name may be empty, but two dots in a row are a slip of the hand.
      if (segment === '' && !isStar) return undefined
      pattern.push(isStar ? null : segment)
      segment = ''
      isStar = false
    } else if (character === '*') {
      const next = text[at + 1]
      if (segment !== '' || isStar || (next !== undefined && next !== '.')) return undefined
      isStar = true
    } else if (character === '\\') {
      at += 1
      const escaped = text[at]
      if (escaped !== '.' && escaped !== '*' && escaped !== '\\') return undefined
      segment += escaped
    } else segment += character
  }
  return pattern
}

/** As a pattern for this place alone, and all in it. */
export function formatPath(path: DocumentPath): string {
  return path.map(segment => segment.replace(/[.*\\]/g, '\\$&')).join('.')
}

/** Does the pattern cover the place? Root types of the system (`~...`) only by their names. */
export function coversPath(pattern: PathPattern, path: DocumentPath): boolean {
  if (pattern.length > path.length) return false
  return pattern.every((segment, i) =>
    segment === null ? i > 0 || path[0]?.startsWith('~') !== true : segment === path[i],
  )
}
