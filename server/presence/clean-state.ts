/**
 * Makes the user in a presence state harmless before anybody else gets it: bindings put names into
 * pages and colours into style attributes, and not all of them look at what they put there.
 */
import { safeColor, safeName } from '../../shared/person.ts'

type State = { readonly [field: string]: unknown }

/** The fields of `user` that bindings take for colours (Tiptap, BlockNote, CodeMirror). */
const COLORS: readonly string[] = ['color', 'colorLight']

/** The state as it is, unless something of its user has to be taken out. */
export function cleanState(state: State): State {
  const { user } = state
  if (typeof user !== 'object' || user === null || Array.isArray(user)) return state
  const cleaned = Object.entries(user).map(
    ([field, value]) => [field, clean(field, value)] as const,
  )
  if (cleaned.every(([field, value]) => value === (user as State)[field])) return state
  return { ...state, user: Object.fromEntries(cleaned) }
}

function clean(field: string, value: unknown): unknown {
  if (COLORS.includes(field)) return safeColor(value)
  if (field !== 'name') return value
  return typeof value === 'string' ? safeName(value) : ''
}
