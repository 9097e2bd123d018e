/** Rows as the databases give them, and their checks. */
import { entryChecksum, snapshotChecksum } from './entry-checksum.ts'
import { decodeOwners } from './owners-text.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { Damage, DocumentHead, Entry, Snapshot } from './journal.ts'

export type DocumentRow = {
  readonly id: number
  readonly name: DocumentName
  readonly incarnation: string
  readonly createdAt: number
  readonly createdBy: string
  readonly deletedAt: number | null
  readonly schema: number
}

export type EntryRow = {
  readonly seq: number
  readonly at: number
  readonly author: string
  readonly handsOver: number
  readonly bytes: Uint8Array
  readonly checksum: number
}

export type SnapshotRow = {
  readonly seq: number
  readonly at: number
  readonly bytes: Uint8Array
  /** See `encodeOwners`; null in snapshots that know of none. */
  readonly owners: string | null
  readonly checksum: number
}

export type HeadFacts = { readonly seq: number; readonly updatedAt: number; readonly bytes: number }

export function toHead(row: DocumentRow, facts: HeadFacts): DocumentHead {
  const { name, incarnation, createdAt, createdBy, deletedAt, schema } = row
  return { name, incarnation, createdAt, createdBy, deletedAt, schema, ...facts }
}

/** The entry of a row; a {@link Damage} when its checksum, made by `sumOf`, does not fit. */
export function readEntry(
  incarnation: string,
  row: EntryRow,
  sumOf: typeof entryChecksum = entryChecksum,
): Entry | Damage {
  const { seq, at, author, handsOver } = row
  const mark = handsOver === 0 ? {} : { handsOver: true }
  const entry = { seq, at, author, update: exact(row.bytes), ...mark }
  if (sumOf(incarnation, row.seq, entry) === row.checksum) return entry
  const sentence = `entry ${row.seq} fails its checksum`
  return { kind: 'entry', seq: row.seq, upToSeq: row.seq, sentence }
}

export function readSnapshot(incarnation: string, row: SnapshotRow): Snapshot | Damage {
  const { seq, at, owners } = row
  const state = exact(row.bytes)
  if (snapshotChecksum(incarnation, { seq, at, state, owners }) !== row.checksum) {
    const sentence = `the snapshot at entry ${seq} fails its checksum`
    return { kind: 'snapshot', seq, upToSeq: seq, sentence }
  }
  return { seq, at, state, ...(owners === null ? {} : { owners: decodeOwners(owners) }) }
}

export function isDamage(read: Entry | Snapshot | Damage): read is Damage {
  return 'kind' in read
}

/** Bytes in a buffer of their own, so that posting them to another thread sends nothing else. */
function exact(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

export function missingEntries(from: number, to: number): Damage {
  const which = from === to ? `entry ${from} was` : `entries ${from} to ${to} were`
  const sentence = `${which} acknowledged and are not in the store`
  return { kind: 'missing', seq: from, upToSeq: to, sentence }
}
