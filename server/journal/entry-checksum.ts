/** Checksums of what is stored: any single flipped bit and any cut is found (CRC-32, IEEE). */
import { crc32 } from 'node:zlib'
import type { NewEntry, Snapshot } from './journal.ts'

type ChecksumInput = {
  readonly incarnation: string
  readonly seq: number
  readonly at: number
  /** Author of an entry; whose the client ids are, for snapshots. */
  readonly author: string
  readonly bytes: Uint8Array
}

export function entryChecksum(incarnation: string, seq: number, entry: NewEntry): number {
  const { at, author, update, handsOver } = entry
  // Only where it is set: the others keep the checksum that they had before there was such a mark.
  const marked = handsOver === true ? `${author}\nhands over` : author
  return checksum({ incarnation, seq, at, author: marked, bytes: update })
}

/**
 * The same for a store that gives out seqs itself: it adds the seq to what {@link seqlessChecksum}
 * says, by exclusive or.
 */
export function placedChecksum(incarnation: string, seq: number, entry: NewEntry): number {
  return (seqlessChecksum(incarnation, entry) ^ seq) >>> 0
}

export function seqlessChecksum(incarnation: string, entry: NewEntry): number {
  return entryChecksum(incarnation, 0, entry)
}

type StoredSnapshot = Pick<Snapshot, 'seq' | 'at' | 'state'> & { readonly owners: string | null }

export function snapshotChecksum(incarnation: string, snapshot: StoredSnapshot): number {
  const { seq, at, state, owners } = snapshot
  return checksum({ incarnation, seq, at, author: owners ?? '', bytes: state })
}

/** Covers the fields beside the bytes too: a row moved to another document or place is found. */
function checksum({ incarnation, seq, at, author, bytes }: ChecksumInput): number {
  const head = `${incarnation}\n${seq}\n${at}\n${author}\n${bytes.byteLength}\n`
  return crc32(bytes, crc32(head))
}
