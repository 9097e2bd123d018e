/** Of a state that somebody hands over: what may be taken now, without what is another's to bring. */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

type Struct = ReturnType<typeof Y.decodeUpdate>['structs'][number]
type Range = { readonly clock: number; readonly len: number }

/**
 * The update without the structs of ids that are not the sender's, and without what leans on those.
 * Undefined when nothing new is left. Two who hold changes that lean on each other come on this way:
 * each brings a piece, and then the next one fits.
 */
export function ownPart(
  doc: Y.Doc,
  update: Uint8Array,
  isOwn: (clientId: number) => boolean,
): Uint8Array | undefined {
  const { structs, ds } = Y.decodeUpdate(update)
  const queues = [...Map.groupBy(structs, ({ id }) => id.client)]
    .filter(([client]) => isOwn(client))
    .map(([client, queue]) => ({ client, queue, taken: 0 }))
  const ends = new Map<number, number>()
  const endOf = (client: number) => ends.get(client) ?? Y.getState(doc.store, client)
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false
    for (const one of queues) {
      const next = one.queue[one.taken]
      if (next === undefined || !fits(next, endOf)) continue
      ends.set(one.client, Math.max(endOf(one.client), next.id.clock + next.length))
      one.taken += 1
      hasMoved = true
    }
  }
  const taken = queues.flatMap(({ client, queue, taken: count }) =>
    count === 0 ? [] : { client, structs: queue.slice(0, count) },
  )
  const isNew = taken.some(({ client }) => endOf(client) > Y.getState(doc.store, client))
  return isNew ? encode(taken, knownRanges(ds.clients, endOf)) : undefined
}

function fits(struct: Struct, endOf: (client: number) => number): boolean {
  if (struct instanceof Y.Skip || struct.id.clock > endOf(struct.id.client)) return false
  if (!(struct instanceof Y.Item)) return true
  const parent = struct.parent instanceof Y.ID ? struct.parent : null
  return [struct.origin, struct.rightOrigin, parent].every(
    id => id === null || id.clock < endOf(id.client),
  )
}

function knownRanges(
  deleted: ReadonlyMap<number, readonly Range[]>,
  endOf: (client: number) => number,
): readonly (readonly [number, readonly Range[]])[] {
  return [...deleted].flatMap(([client, ranges]) => {
    const known = ranges.filter(({ clock, len }) => clock + len <= endOf(client))
    return known.length === 0 ? [] : [[client, known] as const]
  })
}

/** As Yjs writes an update, format v1. */
function encode(
  taken: readonly { readonly client: number; readonly structs: readonly Struct[] }[],
  deleted: readonly (readonly [number, readonly Range[]])[],
): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  const rest = encoder.restEncoder
  encoding.writeVarUint(rest, taken.length)
  for (const { client, structs } of taken.toSorted((a, b) => b.client - a.client)) {
    encoding.writeVarUint(rest, structs.length)
    encoder.writeClient(client)
    encoding.writeVarUint(rest, structs[0]?.id.clock ?? 0)
    for (const struct of structs) struct.write(encoder, 0)
  }
  encoding.writeVarUint(rest, deleted.length)
  for (const [client, ranges] of deleted) {
    encoding.writeVarUint(rest, client)
    encoding.writeVarUint(rest, ranges.length)
    for (const { clock, len } of ranges) {
      encoding.writeVarUint(rest, clock)
      encoding.writeVarUint(rest, len)
    }
  }
  return encoder.toUint8Array()
}
