/** How lists are looked through for what somebody may read. */
import { WeftError } from '../../shared/errors.ts'

/** How many pages of the store one request looks through. */
export const SCAN_PAGES_MAX = 50

/** `narrower`: the field of the query that leads past them. */
export function tooManyOthers(narrower: string): WeftError {
  const sentence = 'too many are in between that the asker may not read'
  return new WeftError('REQUEST_INVALID', `${sentence}; ask for less with \`${narrower}\``)
}
