/** What nodes say to each other about one document: binary, versioned by the envelope around it. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WeftError } from '../../shared/errors.ts'

/** A change as its node has shown it to its own clients. */
export type ToldChange = {
  /** Who made it: a principal's id. */
  readonly author: string
  /** Ms since 1970, by the clock of the node that took it. */
  readonly at: number
  /** A state that somebody handed over, see NewEntry in the journal. */
  readonly handsOver: boolean
  /** A Yjs update, format v1. */
  readonly update: Uint8Array
}

/** Entries of the journal that hold nothing but changes that their node has told. Ends included. */
export type SeqRange = { readonly from: number; readonly to: number }

/** How much of what a node has told is durable. */
export type StoredNote = {
  /** All it has told up to this one. */
  readonly count: number
  /** The same in the note before this one. */
  readonly since: number
  /** Where what lies between the two is in the journal, so that nobody has to read it there. */
  readonly ranges: readonly SeqRange[]
}

/** A change, and who has to store it: `node` has told so many with it. */
export type HeldChange = ToldChange & { readonly node: string; readonly count: number }

type About = { readonly incarnation: string }

export type DocumentMessage =
  /** `count` counts all changes that this node has told of the document, with these. */
  | (About & {
      readonly kind: 'changes'
      readonly count: number
      readonly changes: readonly ToldChange[]
      readonly stored: StoredNote
    })
  /** Tell me what you hold and the journal may not. */
  | (About & { readonly kind: 'ask' })
  /** For `to` alone (`*`: for all): all that the sender holds and does not know to be durable. */
  | (About & {
      readonly kind: 'answer'
      readonly to: string
      readonly count: number
      readonly changes: readonly HeldChange[]
    })
  /** All is quiet and durable up to `seq`: the document is what `digest` says. */
  | (About & {
      readonly kind: 'beat'
      readonly count: number
      readonly seq: number
      readonly digest: string
    })
  /** It was deleted; look it up in the journal. */
  | (About & { readonly kind: 'gone' })

const kinds = ['changes', 'ask', 'answer', 'beat', 'gone'] as const

/** The channel on which nodes speak about a document. */
export const documentChannel = (name: string) => `doc:${name}`

export function encodeDocumentMessage(message: DocumentMessage): Uint8Array {
  return encoding.encode(encoder => {
    encoding.writeVarUint(encoder, kinds.indexOf(message.kind))
    encoding.writeVarString(encoder, message.incarnation)
    writeBody(encoder, message)
  })
}

function writeBody(encoder: encoding.Encoder, message: DocumentMessage): void {
  switch (message.kind) {
    case 'changes':
      encoding.writeVarUint(encoder, message.count)
      writeStored(encoder, message.stored)
      return writeChanges(encoder, message.changes)
    case 'answer':
      encoding.writeVarString(encoder, message.to)
      encoding.writeVarUint(encoder, message.count)
      writeChanges(encoder, message.changes)
      for (const { node, count } of message.changes) {
        encoding.writeVarString(encoder, node)
        encoding.writeVarUint(encoder, count)
      }
      return undefined
    case 'beat':
      encoding.writeVarUint(encoder, message.count)
      encoding.writeVarUint(encoder, message.seq)
      return encoding.writeVarString(encoder, message.digest)
    case 'ask':
    case 'gone':
      return undefined
  }
}

/** Throws FRAME_INVALID when the bytes are no message, or hold more than one. */
export function decodeDocumentMessage(bytes: Uint8Array): DocumentMessage {
  try {
    const decoder = decoding.createDecoder(bytes)
    const message = readMessage(decoder)
    if (!decoding.hasContent(decoder)) return message
  } catch (error) {
    if (error instanceof WeftError) throw error
    throw new WeftError('FRAME_INVALID', 'no message of a node', { cause: error })
  }
  throw new WeftError('FRAME_INVALID', 'a message of a node with something behind it')
}

function readMessage(decoder: decoding.Decoder): DocumentMessage {
  const kind = kinds[decoding.readVarUint(decoder)]
  const incarnation = decoding.readVarString(decoder)
  switch (kind) {
    case 'changes': {
      const count = decoding.readVarUint(decoder)
      const stored = readStored(decoder)
      return { kind, incarnation, count, stored, changes: readChanges(decoder) }
    }
    case 'answer': {
      const to = decoding.readVarString(decoder)
      const count = decoding.readVarUint(decoder)
      const changes = readChanges(decoder).map(change => ({
        ...change,
        node: decoding.readVarString(decoder),
        count: decoding.readVarUint(decoder),
      }))
      return { kind, incarnation, to, count, changes }
    }
    case 'beat': {
      const count = decoding.readVarUint(decoder)
      const seq = decoding.readVarUint(decoder)
      return { kind, incarnation, count, seq, digest: decoding.readVarString(decoder) }
    }
    case 'ask':
    case 'gone':
      return { kind, incarnation }
    default:
      throw new WeftError('FRAME_INVALID', 'a message of a node of unknown kind')
  }
}

function writeChanges(encoder: encoding.Encoder, changes: readonly ToldChange[]): void {
  encoding.writeVarUint(encoder, changes.length)
  for (const { author, at, handsOver, update } of changes) {
    encoding.writeVarString(encoder, author)
    encoding.writeVarUint(encoder, at)
    encoding.writeUint8(encoder, handsOver ? 1 : 0)
    encoding.writeVarUint8Array(encoder, update)
  }
}

function readChanges(decoder: decoding.Decoder): readonly ToldChange[] {
  return readList(decoder, () => ({
    author: decoding.readVarString(decoder),
    at: decoding.readVarUint(decoder),
    handsOver: decoding.readUint8(decoder) === 1,
    // A copy: the frame's buffer belongs to whoever received it.
    update: Uint8Array.from(decoding.readVarUint8Array(decoder)),
  }))
}

function writeStored(encoder: encoding.Encoder, { count, since, ranges }: StoredNote): void {
  encoding.writeVarUint(encoder, count)
  encoding.writeVarUint(encoder, since)
  encoding.writeVarUint(encoder, ranges.length)
  for (const { from, to } of ranges) {
    encoding.writeVarUint(encoder, from)
    encoding.writeVarUint(encoder, to - from)
  }
}

function readStored(decoder: decoding.Decoder): StoredNote {
  const count = decoding.readVarUint(decoder)
  const since = decoding.readVarUint(decoder)
  const ranges = readList(decoder, () => {
    const from = decoding.readVarUint(decoder)
    return { from, to: from + decoding.readVarUint(decoder) }
  })
  return { count, since, ranges }
}

/** Every item takes at least a byte: a length beyond the rest of the frame is a lie. */
function readList<T>(decoder: decoding.Decoder, read: () => T): readonly T[] {
  const length = decoding.readVarUint(decoder)
  if (length > decoder.arr.byteLength - decoder.pos) {
    throw new WeftError('FRAME_INVALID', `a list of ${length} items in a shorter message`)
  }
  return Array.from({ length }, read)
}
