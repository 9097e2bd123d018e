/** Reads an update before it touches a document: is it one, is it small enough, does it fit? */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import type { Roots } from './roots-check.ts'
import { checkContents, checkStructure } from './structure-check.ts'
import { UpdatePlaces, type DecodedUpdate } from './update-places.ts'

export type UpdateLimits = {
  readonly kind: UpdateKind
  readonly updateBytesMax: number
  /** Told of each client that the update writes something new for; throws when it may not. */
  readonly onWriter?: (clientId: number) => void
  /** The root types of the application; any, when it has declared none. */
  readonly roots?: Roots | undefined
  /** Looks at an update that fits and is sound, before it is applied; throws when it may not be. */
  readonly inspect?: ((update: PlacedUpdate) => void) | undefined
}

export type PlacedUpdate = { readonly decoded: DecodedUpdate; readonly places: UpdatePlaces }

/**
 * `gap`: it depends on something that the document does not have; applying it would hang in the
 * air. `trim`: it begins with something whose remains were collected; Yjs can take the rest alone.
 */
export type UpdateFit = 'fits' | 'gap' | 'trim'

/**
 * `edit`: a change as it was made. `state`: what a client has and we lack, in answer to our state
 * vector; Yjs puts every deletion that the document ever saw into it, known or not.
 */
export type UpdateKind = 'edit' | 'state'

/** More would hold the event loop up; for states the limit of bytes does that. */
const PARTS_MAX: Readonly<Record<UpdateKind, number>> = { edit: 20_000, state: 500_000 }
/** Longer ones are nothing that typing makes, and would burn a client id for ever. */
const STRUCT_LENGTH_MAX = 10_000_000

type Covered = Map<number, number>

/**
 * Costs about as much as decoding; the document is not touched.
 * Throws UPDATE_TOO_LARGE, UPDATE_INVALID, or what `limits` throw.
 */
export function checkUpdate(doc: Y.Doc, update: Uint8Array, limits: UpdateLimits): UpdateFit {
  const { kind } = limits
  if (update.byteLength > limits.updateBytesMax) {
    const sentence = `an update of ${update.byteLength} bytes; the limit is ${limits.updateBytesMax}`
    throw new WeftError('UPDATE_TOO_LARGE', sentence)
  }
  const decoded = decode(update)
  refuseTooMany(decoded, PARTS_MAX[kind])
  checkContents(decoded)
  const covered = coverStructs(doc, decoded)
  if (covered === undefined) return 'gap'
  if (!dependenciesMet(doc, decoded, covered) || !deletesMet(doc, decoded, covered)) return 'gap'
  if (decoded.structs.some(struct => growsOutOfGarbage(doc, struct))) return 'trim'
  const { onWriter } = limits
  if (onWriter !== undefined) writersOf(doc, covered).forEach(id => onWriter(id))
  const places = new UpdatePlaces(doc, decoded.structs)
  checkStructure(doc, decoded, { places, roots: limits.roots })
  limits.inspect?.({ decoded, places })
  return 'fits'
}

function writersOf({ store }: Y.Doc, covered: Covered): readonly number[] {
  const writers: number[] = []
  for (const [client, end] of covered) if (end > Y.getState(store, client)) writers.push(client)
  return writers
}

/** An item whose first part is here and was deleted and collected, and whose last part is not. */
function growsOutOfGarbage({ store }: Y.Doc, struct: DecodedUpdate['structs'][number]): boolean {
  if (!(struct instanceof Y.Item)) return false
  const { client, clock } = struct.id
  const known = Y.getState(store, client)
  if (known <= clock || known >= clock + struct.length) return false
  return !(Y.getItem(store, Y.createID(client, known - 1)) instanceof Y.Item)
}

/** Does the update hold anything that the document does not? For those who may only read. */
export function isKnown(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = decode(update)
  for (const struct of structs) {
    const { client, clock } = struct.id
    if (clock + struct.length > Y.getState(doc.store, client)) return false
  }
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) if (!isDeleted(doc, client, { clock, len })) return false
  }
  return true
}

/** Does the update hold anything that the document has already? */
export function repeatsKnown(doc: Y.Doc, update: Uint8Array): boolean {
  const { structs, ds } = decode(update)
  if (structs.some(({ id }) => id.clock < Y.getState(doc.store, id.client))) return true
  return [...ds.clients].some(([client, ranges]) =>
    ranges.some(({ clock, len }) => {
      const until = Math.min(clock + len, Y.getState(doc.store, client))
      for (let at = clock; at < until; at++)
        if (isDeleted(doc, client, { clock: at, len: 1 })) return true
      return false
    }),
  )
}

/** Does the update hold something that a client with this state vector did not have yet? */
export function reachesBeyond(vector: ReadonlyMap<number, number>, update: Uint8Array): boolean {
  return decode(update).structs.some(
    ({ id: { client, clock }, length }) => clock + length > (vector.get(client) ?? 0),
  )
}

/** The same; of what cannot be read, yes: it is refused in a moment, and refusals are answered. */
export function mayReachBeyond(vector: ReadonlyMap<number, number>, update: Uint8Array): boolean {
  try {
    return reachesBeyond(vector, update)
  } catch {
    // UPDATE_INVALID is said by whoever writes it.
    return true
  }
}

function decode(update: Uint8Array): DecodedUpdate {
  try {
    return Y.decodeUpdate(update)
  } catch (error) {
    throw new WeftError('UPDATE_INVALID', 'the bytes are no Yjs update', { cause: error })
  }
}

function refuseTooMany({ structs, ds }: DecodedUpdate, max: number): void {
  let ranges = 0
  for (const deleted of ds.clients.values()) ranges += deleted.length
  if (structs.length <= max && ranges <= max) return
  const sentence = `an update of ${structs.length} structs and ${ranges} deleted ranges`
  throw new WeftError('UPDATE_TOO_LARGE', `${sentence}; the limit is ${max} of each`)
}

/** Up to which clock each client is known once the update is in; undefined when one skips ahead. */
function coverStructs(doc: Y.Doc, { structs }: DecodedUpdate): Covered | undefined {
  const covered: Covered = new Map()
  const finished = new Set<number>()
  let current: number | undefined
  let end = 0
  for (const struct of structs) {
    const { client, clock } = struct.id
    if (client !== current) {
      // Yjs writes each client once, and of two blocks it would read the last alone.
      if (finished.has(client)) throw new WeftError('UPDATE_INVALID', 'a client in two places')
      finished.add(client)
      current = client
    } else if (clock !== end) throw new WeftError('UPDATE_INVALID', 'a client in two pieces')
    end = clock + struct.length
    if (struct instanceof Y.Skip) continue
    const isSane = struct.length > 0 && struct.length <= STRUCT_LENGTH_MAX
    if (!isSane || !Number.isSafeInteger(clock + struct.length)) {
      throw new WeftError('UPDATE_INVALID', `a struct of length ${struct.length}`)
    }
    const known = stateOf(doc, covered, client)
    if (clock > known) return undefined
    covered.set(client, Math.max(known, clock + struct.length))
  }
  return covered
}

/** Everything that a struct names must be there, before it or in the same update. */
function dependenciesMet(doc: Y.Doc, { structs }: DecodedUpdate, covered: Covered): boolean {
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) continue
    const { origin, rightOrigin } = struct
    const parent = struct.parent instanceof Y.ID ? struct.parent : null
    for (const id of [origin, rightOrigin, parent]) {
      if (id === null) continue
      if (id.client === struct.id.client && id.clock >= struct.id.clock) {
        throw new WeftError('UPDATE_INVALID', 'a struct depends on itself or on a later one')
      }
      if (id.clock >= stateOf(doc, covered, id.client)) return false
    }
  }
  return true
}

function deletesMet(doc: Y.Doc, { ds }: DecodedUpdate, covered: Covered): boolean {
  for (const [client, ranges] of ds.clients) {
    const known = stateOf(doc, covered, client)
    for (const { clock, len } of ranges) {
      if (len === 0) throw new WeftError('UPDATE_INVALID', 'a deleted range of length 0')
      if (clock + len > known) return false
    }
  }
  return true
}

function stateOf(doc: Y.Doc, covered: Covered, client: number): number {
  return covered.get(client) ?? Y.getState(doc.store, client)
}

type Range = { readonly clock: number; readonly len: number }

function isDeleted(doc: Y.Doc, client: number, { clock, len }: Range): boolean {
  const structs = doc.store.clients.get(client)
  if (structs === undefined || clock + len > Y.getState(doc.store, client)) return false
  for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
    const struct = structs[i]
    if (struct === undefined || struct.id.clock >= clock + len) return true
    if (!struct.deleted) return false
  }
  return true
}
