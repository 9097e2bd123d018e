/** Updates that no Yjs would write: well-formed bytes, put together at random. */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { integerBetween, pick, type Random } from '../../shared/random.ts'

const CLIENTS = 3
/** Content kinds by their number on the wire, the common ones more often. */
const kinds = [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 7, 7, 8, 8, 9] as const

/** Items lean on whatever is in the document, or in the update itself, and on nothing else. */
export function forgeUpdate(doc: Y.Doc, random: Random): Uint8Array {
  const encoder = encoding.createEncoder()
  const write = (...numbers: number[]) =>
    numbers.forEach(number => encoding.writeVarUint(encoder, number))
  const upTo = (max: number) => integerBetween(random, 0, max)
  const clients = pick(random, [[1], [2], [3], [1, 2], [3, 1]])
  write(clients.length)
  for (const client of clients) {
    const known = Y.getState(doc.store, client)
    let clock = Math.max(0, known - (random.next() < 0.3 ? upTo(3) : 0))
    const count = 1 + upTo(2)
    write(count, client, clock)
    for (let i = 0; i < count; i++) clock += writeStruct({ doc, encoder, random, client, clock })
  }
  const deletes = random.next() < 0.5
  write(deletes ? 1 : 0)
  if (!deletes) return encoding.toUint8Array(encoder)
  const client = 1 + upTo(CLIENTS - 1)
  const ranges = upTo(2)
  write(client, ranges)
  for (let i = 0; i < ranges; i++) write(upTo(Y.getState(doc.store, client)), 1 + upTo(3))
  return encoding.toUint8Array(encoder)
}

type Position = {
  readonly doc: Y.Doc
  readonly encoder: encoding.Encoder
  readonly random: Random
  readonly client: number
  readonly clock: number
}

/** Returns the struct's length. */
function writeStruct(position: Position): number {
  const { encoder, random } = position
  const kind = pick(random, kinds)
  if (kind === 0) {
    const length = integerBetween(random, 1, 3)
    encoding.writeUint8(encoder, 0)
    encoding.writeVarUint(encoder, length)
    return length
  }
  const [hasOrigin, hasRight, hasKey] = [
    random.next() < 0.5,
    random.next() < 0.4,
    random.next() < 0.3,
  ]
  const bits = (hasOrigin ? 0x80 : 0) | (hasRight ? 0x40 : 0) | (hasKey ? 0x20 : 0)
  encoding.writeUint8(encoder, kind | bits)
  if (hasOrigin) writeId(position)
  if (hasRight) writeId(position)
  if (!hasOrigin && !hasRight) {
    const isRoot = random.next() < 0.5
    encoding.writeVarUint(encoder, isRoot ? 1 : 0)
    if (isRoot) encoding.writeVarString(encoder, pick(random, ['text', 'map']))
    else writeId(position)
    if (hasKey) encoding.writeVarString(encoder, pick(random, ['a', 'b']))
  }
  return writeContent(position, kind)
}

function writeId({ doc, encoder, random, client, clock }: Position): void {
  const other = integerBetween(random, 1, CLIENTS)
  const known = Math.max(Y.getState(doc.store, other), other === client ? clock : 0)
  encoding.writeVarUint(encoder, other)
  encoding.writeVarUint(encoder, known === 0 ? 0 : integerBetween(random, 0, known - 1))
}

function writeContent({ encoder, random }: Position, kind: number): number {
  const length = integerBetween(random, 1, 3)
  const values = [1, 'x', null, { a: 1 }, 10n]
  switch (kind) {
    case 1:
      encoding.writeVarUint(encoder, length)
      return length
    case 2:
      encoding.writeVarUint(encoder, length)
      for (let i = 0; i < length; i++) encoding.writeVarString(encoder, pick(random, ['1', '"x"']))
      return length
    case 3:
      encoding.writeVarUint8Array(encoder, Uint8Array.of(1, 2))
      return 1
    case 4:
      encoding.writeVarString(encoder, 'xyz'.slice(0, length))
      return length
    case 5:
      encoding.writeVarString(encoder, '{"embed":true}')
      return 1
    case 6:
      encoding.writeVarString(encoder, 'bold')
      encoding.writeVarString(encoder, pick(random, ['true', 'null']))
      return 1
    case 7: {
      const type = integerBetween(random, 0, 6)
      encoding.writeVarUint(encoder, type)
      // Elements and hooks have a name.
      if (type === 3 || type === 5) encoding.writeVarString(encoder, 'p')
      return 1
    }
    case 8:
      encoding.writeVarUint(encoder, length)
      for (let i = 0; i < length; i++) encoding.writeAny(encoder, pick(random, values) as never)
      return length
    default:
      encoding.writeVarString(encoder, `guid ${length}`)
      encoding.writeAny(encoder, pick(random, [{}, { autoLoad: true }, { guid: null }]) as never)
      return 1
  }
}
