/** Checksums of what is stored: any single flipped bit and any cut is found (CRC-32, IEEE). */
import { crc32 } from 'node:zlib'

export type ChecksumInput = {
  readonly incarnation: string
  readonly seq: number
  readonly at: number
  /** Author of an entry; empty for snapshots. */
  readonly author: string
  readonly bytes: Uint8Array
}

/** Covers the fields beside the bytes too: a row moved to another document or place is found. */
export function checksum({ incarnation, seq, at, author, bytes }: ChecksumInput): number {
  const head = `${incarnation}\n${seq}\n${at}\n${author}\n${bytes.byteLength}\n`
  return crc32(bytes, crc32(head))
}
