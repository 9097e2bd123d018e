/** Cuts a frame at its end so that it cannot be read: a shorter message would be another one. */
import * as decoding from 'lib0/decoding'
import { messageType, readFrame } from '../../shared/frames.ts'
import { integerBetween, type Random } from '../../shared/random.ts'

export function cutFrame(random: Random, bytes: Uint8Array): Uint8Array {
  const cut = bytes.slice(0, integerBetween(random, 0, bytes.byteLength - 1))
  // TCP loses no bytes; that a token came without the hello behind it nobody could tell.
  return isReadable(cut) ? cut.slice(0, 1) : cut
}

/** Up to where stock programs read: what is behind that is missing, and nobody misses it. */
function isReadable(bytes: Uint8Array): boolean {
  try {
    const { type, decoder } = readFrame(bytes)
    if (type === messageType.sync || type === messageType.auth) decoding.readVarUint(decoder)
    if (type === messageType.syncStatus) decoding.readVarUint(decoder)
    else decoding.readVarUint8Array(decoder)
    return true
  } catch {
    // It ends too early.
    return false
  }
}
