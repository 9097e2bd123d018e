/** What nodes say to each other about who is on a document. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WeftError } from '../../shared/errors.ts'
import type { ToldState } from './document-presence.ts'

export type PresenceMessage =
  /** States of the sender's sessions; `isWhole`: all of them. */
  | { readonly kind: 'here'; readonly isWhole: boolean; readonly states: readonly ToldState[] }
  /** Who is with you? */
  | { readonly kind: 'who' }

/** The channel on which nodes speak about who is on a document. */
export const presenceChannel = (name: string) => `here:${name}`

const codes = { changed: 0, whole: 1, who: 2 } as const

export function encodePresenceMessage(message: PresenceMessage): Uint8Array {
  return encoding.encode(encoder => {
    if (message.kind === 'who') return encoding.writeVarUint(encoder, codes.who)
    encoding.writeVarUint(encoder, message.isWhole ? codes.whole : codes.changed)
    encoding.writeVarUint(encoder, message.states.length)
    for (const { clientId, clock, state, principalId, mayWrite } of message.states) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state)
      encoding.writeVarString(encoder, principalId)
      encoding.writeUint8(encoder, mayWrite ? 1 : 0)
    }
    // After all that nodes of earlier versions read: whatever follows they pass over.
    for (const { tenant } of message.states) writeTenant(encoder, tenant)
  })
}

/** Throws FRAME_INVALID. */
export function decodePresenceMessage(bytes: Uint8Array): PresenceMessage {
  try {
    const decoder = decoding.createDecoder(bytes)
    const code = decoding.readVarUint(decoder)
    if (code === codes.who) return { kind: 'who' }
    if (code === codes.whole || code === codes.changed) {
      return { kind: 'here', isWhole: code === codes.whole, states: readStates(decoder) }
    }
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'no presence of a node', { cause: error })
  }
  throw new WeftError('FRAME_INVALID', 'a presence message of unknown kind')
}

function readStates(decoder: decoding.Decoder): readonly ToldState[] {
  const length = decoding.readVarUint(decoder)
  if (length > decoder.arr.byteLength) throw new RangeError('more states than bytes')
  const states = Array.from({ length }, () => ({
    clientId: decoding.readVarUint(decoder),
    clock: decoding.readVarUint(decoder),
    state: decoding.readVarString(decoder),
    principalId: decoding.readVarString(decoder),
    mayWrite: decoding.readUint8(decoder) === 1,
  }))
  if (!decoding.hasContent(decoder)) return states
  return states.map(state => ({ ...state, tenant: readTenant(decoder) }))
}

const tenants = { unknown: 0, none: 1, named: 2 } as const

function writeTenant(encoder: encoding.Encoder, tenant: ToldState['tenant']): void {
  if (tenant === undefined) return encoding.writeVarUint(encoder, tenants.unknown)
  encoding.writeVarUint(encoder, tenant === null ? tenants.none : tenants.named)
  if (tenant !== null) encoding.writeVarString(encoder, tenant)
}

function readTenant(decoder: decoding.Decoder): ToldState['tenant'] {
  const code = decoding.readVarUint(decoder)
  if (code === tenants.named) return decoding.readVarString(decoder)
  return code === tenants.none ? null : undefined
}
