/**
 * A second, small file that remembers how far each document was acknowledged.
 *
 * SQLite silently drops the tail of a WAL that was cut: what is left is whole and consistent, and
 * says nothing of the commits that are gone. The witness is written after each commit is durable
 * and before it is acknowledged, so a head in it that the database does not reach is a loss to
 * name. It is not synced itself: a record that a power cut takes away only means less evidence,
 * never a false alarm. For the same reason a witness that cannot be written stops nothing.
 */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** Name (8 bytes of SHA-256), incarnation (4 bytes of it), seq (6), CRC-32 of these (4). */
const RECORD_BYTES = 22
/** The documents written last are remembered; a WAL holds the commits of far fewer. */
const DOCUMENTS_MAX = 100_000
const COMPACT_AT_BYTES = 8 << 20

/** A document life as the witness knows it; make one a life, not one a commit. */
export type WitnessKey = { readonly name: string; readonly incarnation: number }

export type WitnessedHead = { readonly key: WitnessKey; readonly seq: number }

export function witnessKey(name: string, incarnation: string): WitnessKey {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return {
    name: hash(name).toString('latin1', 0, 8),
    incarnation: hash(incarnation).readUInt32LE(0),
  }
}

export class HeadWitness {
  readonly #file: string
  readonly #heads: Map<string, WitnessedHead>
  #descriptor: number
  #bytes = 0
  /** A write failed half way: what follows in the file would be misread. */
  #torn = false

  private constructor(file: string, heads: Map<string, WitnessedHead>) {
    this.#file = file
    this.#heads = heads
    this.#descriptor = openSync(file, 'a')
    // Start every run with a clean file: a torn record would shift all that follow.
    this.#compact()
  }

  /** Reads what the file knows. A torn last record, or any that fails its check, is passed over. */
  static open(file: string): HeadWitness {
    return new HeadWitness(file, existsSync(file) ? readHeads(readFileSync(file)) : new Map())
  }

  /** The last acknowledged seq of a name and the life it belongs to. */
  headOf(key: WitnessKey): WitnessedHead | undefined {
    return this.#heads.get(key.name)
  }

  /** Call it after the commit is durable, before anybody is told. */
  record(heads: Iterable<WitnessedHead>): void {
    const records: Buffer[] = []
    for (const head of heads) {
      // Deleted first, so that the map's order is the order of the last writes.
      this.#heads.delete(head.key.name)
      this.#heads.set(head.key.name, head)
      records.push(encode(head))
    }
    try {
      if (this.#torn || this.#bytes > COMPACT_AT_BYTES) this.#compact()
      else this.#bytes += writeSync(this.#descriptor, Buffer.concat(records))
    } catch {
      // No space, most likely. The entries are safe; only the evidence is thinner.
      this.#torn = true
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /** One record a document, in a new file that takes the place of the old one in one step. */
  #compact(): void {
    for (const name of this.#heads.keys()) {
      if (this.#heads.size <= DOCUMENTS_MAX) break
      this.#heads.delete(name)
    }
    const records = Buffer.concat([...this.#heads.values()].map(encode))
    const next = `${this.#file}.next`
    const descriptor = openSync(next, 'w')
    writeSync(descriptor, records)
    closeSync(descriptor)
    // A crash before this line leaves the old file, which knows as much.
    renameSync(next, this.#file)
    closeSync(this.#descriptor)
    this.#descriptor = openSync(this.#file, 'a')
    this.#bytes = records.byteLength
    this.#torn = false
  }
}

/**
 * The last acknowledged seq of this life. A record of another life of the name says nothing: it is
 * of a deleted one, or this one never got its first entry.
 */
export function acknowledgedSeq(key: WitnessKey, witnessed: WitnessedHead | undefined): number {
  return witnessed?.key.incarnation === key.incarnation ? witnessed.seq : 0
}

function encode({ key, seq }: WitnessedHead): Buffer {
  const record = Buffer.alloc(RECORD_BYTES)
  record.write(key.name, 0, 8, 'latin1')
  record.writeUInt32LE(key.incarnation, 8)
  record.writeUIntLE(seq, 12, 6)
  record.writeUInt32LE(crc32(record.subarray(0, 18)), 18)
  return record
}

/** What a witness file says; torn and damaged records are passed over. */
export function readHeads(bytes: Buffer): Map<string, WitnessedHead> {
  const heads = new Map<string, WitnessedHead>()
  for (let offset = 0; offset + RECORD_BYTES <= bytes.byteLength; offset += RECORD_BYTES) {
    const record = bytes.subarray(offset, offset + RECORD_BYTES)
    if (crc32(record.subarray(0, 18)) !== record.readUInt32LE(18)) continue
    const key = { name: record.toString('latin1', 0, 8), incarnation: record.readUInt32LE(8) }
    heads.delete(key.name)
    heads.set(key.name, { key, seq: record.readUIntLE(12, 6) })
  }
  return heads
}
