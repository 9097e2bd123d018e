/** The awareness updates of y-protocols: a list of (client id, clock, state as JSON). */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WeftError } from '../../shared/errors.ts'

export type AwarenessEntry = {
  readonly clientId: number
  readonly clock: number
  /** JSON text; `null` as text means that the client has left. */
  readonly state: string
}

export const LEFT = 'null'

/** Nobody announces more at once; stock clients send one, and all they know when asked. */
const ENTRIES_MAX = 2_000

/** Throws FRAME_INVALID for anything that is no awareness update. */
export function readAwarenessUpdate(update: Uint8Array): readonly AwarenessEntry[] {
  try {
    const decoder = decoding.createDecoder(update)
    const count = decoding.readVarUint(decoder)
    if (count > ENTRIES_MAX) throw new RangeError(`${count} states in one update`)
    return Array.from({ length: count }, () => {
      const clientId = decoding.readVarUint(decoder)
      const clock = decoding.readVarUint(decoder)
      const state = decoding.readVarString(decoder)
      return { clientId, clock, state }
    })
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'the bytes are no awareness update', { cause: error })
  }
}

export function encodeAwarenessUpdate(entries: readonly AwarenessEntry[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { clientId, clock, state } of entries) {
    encoding.writeVarUint(encoder, clientId)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, state)
  }
  return encoding.toUint8Array(encoder)
}
