/** What becomes of a state before anybody else gets it: who it is, is the server's to say. */
import { WeftError } from '../../shared/errors.ts'
import type { Person } from '../../shared/person.ts'
import type { Device } from '../access/pass.ts'
import { LEFT, type AwarenessEntry } from './awareness-update.ts'
import { cleanState } from './clean-state.ts'

/** What the server says of a state's author, whatever the client says there. */
export type Stamp = { readonly user: Person; readonly device?: Device | null }

type State = { readonly [field: string]: unknown }

/** Room for the clocks that are counted on from it. */
const CLOCK_MAX = 2 ** 52
/** A person is a few short texts and an address of at most 500 characters. */
export const STAMP_LENGTH_MAX = 4_096

/**
 * The state with its person under `user`; `null` stays: who hides is not shown. Whatever the client
 * says under `user` is dropped, so that nothing there has to be doubted; its own fields have the
 * rest of the state. Throws FRAME_INVALID, or FRAME_TOO_LARGE for a state over the limit.
 */
export function stamp(entry: AwarenessEntry, said: Stamp, lengthMax: number): string {
  const state = readState(entry, lengthMax)
  return state === null ? LEFT : JSON.stringify({ ...state, ...said })
}

/** A stamped state with another person. */
export function restamp(state: string, said: Stamp): string {
  if (state === LEFT) return state
  return JSON.stringify({ ...(JSON.parse(state) as State), ...said })
}

/**
 * What another node has stamped; it should not have taken a bad one, nor told it: that is
 * undefined. Nodes of earlier versions tell what their clients say.
 */
export function soundState(entry: AwarenessEntry, lengthMax: number): string | undefined {
  try {
    const state = readState(entry, lengthMax)
    if (state === null) return LEFT
    const cleaned = cleanState(state)
    return cleaned === state ? entry.state : JSON.stringify(cleaned)
  } catch {
    return undefined
  }
}

/** Every client parses what it is told of the others: one bad state would throw in all of them. */
function readState({ state, clock }: AwarenessEntry, lengthMax: number): State | null {
  const { length } = state
  if (length > lengthMax) {
    const sentence = `a presence state of ${length} characters; the limit is ${lengthMax}`
    throw new WeftError('FRAME_TOO_LARGE', sentence)
  }
  if (clock > CLOCK_MAX) throw new WeftError('FRAME_INVALID', `a presence clock of ${clock}`)
  try {
    const parsed: unknown = JSON.parse(state)
    if (typeof parsed === 'object' && !Array.isArray(parsed)) return parsed as State | null
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'a presence state that is no JSON', { cause: error })
  }
  throw new WeftError('FRAME_INVALID', 'a presence state that is neither an object nor null')
}
