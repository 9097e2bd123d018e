/** Rows as SQLite gives them, and their checks. */
import { checksum } from '../entry-checksum.ts'
import type { DocumentName } from '../../../shared/names.ts'
import type { Damage, DocumentHead, Entry, NewEntry, Snapshot } from '../journal.ts'

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
  readonly bytes: Uint8Array
  readonly checksum: number
}

export type SnapshotRow = {
  readonly seq: number
  readonly at: number
  readonly bytes: Uint8Array
  readonly checksum: number
}

export type HeadFacts = { readonly seq: number; readonly updatedAt: number; readonly bytes: number }

export function toHead(row: DocumentRow, facts: HeadFacts): DocumentHead {
  const { name, incarnation, createdAt, createdBy, deletedAt, schema } = row
  return { name, incarnation, createdAt, createdBy, deletedAt, schema, ...facts }
}

export function entryChecksum(incarnation: string, seq: number, entry: NewEntry): number {
  return checksum({ incarnation, seq, at: entry.at, author: entry.author, bytes: entry.update })
}

export function snapshotChecksum(incarnation: string, { seq, at, state }: Snapshot): number {
  return checksum({ incarnation, seq, at, author: '', bytes: state })
}

/** The entry of a row; a {@link Damage} when its checksum does not fit. */
export function readEntry(incarnation: string, row: EntryRow): Entry | Damage {
  const entry = { seq: row.seq, at: row.at, author: row.author, update: exact(row.bytes) }
  if (entryChecksum(incarnation, row.seq, entry) === row.checksum) return entry
  const sentence = `entry ${row.seq} fails its checksum`
  return { kind: 'entry', seq: row.seq, upToSeq: row.seq, sentence }
}

export function readSnapshot(incarnation: string, row: SnapshotRow): Snapshot | Damage {
  const snapshot = { seq: row.seq, at: row.at, state: exact(row.bytes) }
  if (snapshotChecksum(incarnation, snapshot) === row.checksum) return snapshot
  const sentence = `the snapshot at entry ${row.seq} fails its checksum`
  return { kind: 'snapshot', seq: row.seq, upToSeq: row.seq, sentence }
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
  const sentence = `${which} acknowledged and are not in the file`
  return { kind: 'missing', seq: from, upToSeq: to, sentence }
}
