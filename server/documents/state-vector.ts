/** Reads a state vector from outside: what somebody says they have. */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'

/** More clients than any document has: decoding that many would hold the event loop up. */
const ENTRIES_MAX = 10_000

/** Throws UPDATE_INVALID, or UPDATE_TOO_LARGE for more than 10,000 entries. */
export function readStateVector(bytes: Uint8Array): Map<number, number> {
  const entries = attempt(() => decoding.readVarUint(decoding.createDecoder(bytes)))
  if (entries > ENTRIES_MAX) {
    const sentence = `a state vector of ${entries} entries; the limit is ${ENTRIES_MAX}`
    throw new WeftError('UPDATE_TOO_LARGE', sentence)
  }
  return attempt(() => Y.decodeStateVector(bytes))
}

function attempt<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new WeftError('UPDATE_INVALID', 'the bytes are no state vector', { cause: error })
  }
}
