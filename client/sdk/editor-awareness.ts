/**
 * An awareness as editor bindings may have it. They put names into the page and colours into style
 * attributes, and throw over a caret that is none; one such state of one client would stop the
 * editor of everybody who looks on.
 */
import type { Awareness } from 'y-protocols/awareness'
import { safeColor, safeName } from '../../shared/person.ts'

type State = { readonly [field: string]: unknown }

/** The same awareness, except that the states of others are harmless in what it answers. */
export function editorAwareness(awareness: Awareness): Awareness {
  const getStates = () =>
    new Map(
      Array.from(awareness.getStates(), ([clientId, state]) => [
        clientId,
        clientId === awareness.clientID ? state : harmless(state, awareness),
      ]),
    )
  return Object.create(awareness, { getStates: { value: getStates } }) as Awareness
}

function harmless(state: State, awareness: Awareness): State {
  const { user, cursor } = state
  return { ...state, user: readUser(user), cursor: readCursor(cursor, awareness) }
}

function readUser(user: unknown): State {
  const given = isRecord(user) ? user : {}
  const { name } = given
  return {
    ...given,
    name: typeof name === 'string' ? safeName(name) : '',
    color: safeColor(given['color']),
    colorLight: safeColor(given['colorLight'] ?? given['color']),
  }
}

/** Tiptap, BlockNote and CodeMirror keep a selection as two relative positions under this field. */
function readCursor(cursor: unknown, awareness: Awareness): State | null {
  if (!isRecord(cursor)) return null
  const isWhole = isPosition(cursor['anchor'], awareness) && isPosition(cursor['head'], awareness)
  return isWhole ? cursor : null
}

function isPosition(json: unknown, { doc }: Awareness): boolean {
  if (!isRecord(json)) return false
  const { type, item, tname, assoc } = json
  if (![type, item].every(id => id === undefined || id === null || isId(id))) return false
  if (assoc !== undefined && !Number.isInteger(assoc)) return false
  // A name that is no root yet would become one, by being looked at.
  if (typeof tname === 'string') return doc.share.has(tname)
  return (tname === undefined || tname === null) && [type, item].some(isId)
}

function isId(id: unknown): boolean {
  return isRecord(id) && [id['client'], id['clock']].every(isCount)
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

function isRecord(value: unknown): value is State {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
