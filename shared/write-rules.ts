/** Where in a document somebody may write, and whether he may touch what others wrote there. */
import type { Capability } from './permissions.ts'

export type WriteRule = {
  /** Patterns, see {@link parsePathPattern}; what is no pattern covers nothing. */
  readonly paths: readonly string[]
  /** He may add, and change or delete only what he wrote himself. */
  readonly own: boolean
}

/** The root types that are there to comment in, where a grant does not name others. */
export const commentPaths: readonly string[] = ['comments']

/**
 * What the answer to "may he write?", or else to "may he comment?", leaves of a document: undefined
 * is all of it. `paths` is that of the decision that allowed it.
 */
export function writeRuleOf(
  capability: Extract<Capability, 'write' | 'comment'>,
  paths: readonly string[] | null,
): WriteRule | undefined {
  if (capability === 'comment') return { paths: paths ?? commentPaths, own: true }
  return paths === null ? undefined : { paths, own: false }
}
