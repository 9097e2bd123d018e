/** Makes a document of the rows of one reading, and refuses what fails its check. */
import { WeftError } from '../../../shared/errors.ts'
import { quoteName } from '../../../shared/names.ts'
import { placedChecksum } from '../entry-checksum.ts'
import type { Damage, Entry, Snapshot, StoredDocument } from '../journal.ts'
import {
  isDamage,
  missingEntries,
  readEntry,
  readSnapshot,
  toHead,
  type DocumentRow,
  type EntryRow,
} from '../stored-rows.ts'

/** A row of `READ`: the document, its snapshot, or an entry. */
export type StoredRow = EntryRow & {
  readonly kind: 'document' | 'snapshot' | 'entry'
  /** The document as JSON; whose the ids are, of a snapshot. */
  readonly note: string | null
}

type LifeRow = DocumentRow & { readonly headSeq: number; readonly lastAt: number | null }

export type Reading = {
  /** With the newest snapshot before this seq. */
  readonly rows: (beforeSeq: number) => Promise<readonly StoredRow[]>
  readonly onDamagedSnapshot: (incarnation: string, damage: Damage) => Promise<void>
}

export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'living'; readonly stored: StoredDocument }

/** Opens from the newest snapshot that passes its check, or from all entries. */
export async function readStored({ rows, onDamagedSnapshot }: Reading): Promise<Found> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const found = await rows(before)
    const note = found.find(({ kind }) => kind === 'document')?.note
    if (note === undefined || note === null) return { kind: 'none' }
    const life = JSON.parse(note) as LifeRow
    if (life.deletedAt !== null) return { kind: 'deleted' }
    const row = found.find(({ kind }) => kind === 'snapshot')
    const snapshot =
      row === undefined ? null : readSnapshot(life.incarnation, { ...row, owners: row.note })
    if (snapshot === null || !isDamage(snapshot)) {
      return { kind: 'living', stored: assemble(life, snapshot, found) }
    }
    await onDamagedSnapshot(life.incarnation, snapshot)
    before = snapshot.seq
  }
}

function assemble(
  life: LifeRow,
  snapshot: Snapshot | null,
  rows: readonly StoredRow[],
): StoredDocument {
  const tail: Entry[] = []
  let seq = snapshot?.seq ?? 0
  let bytes = snapshot?.state.byteLength ?? 0
  const entries = rows.filter(({ kind }) => kind === 'entry').toSorted((a, b) => a.seq - b.seq)
  for (const row of entries) {
    const entry = readEntry(life.incarnation, row, placedChecksum)
    if (isDamage(entry)) throw damaged(life, entry)
    if (entry.seq !== seq + 1) throw damaged(life, missingEntries(seq + 1, entry.seq - 1))
    seq = entry.seq
    bytes += entry.update.byteLength
    tail.push(entry)
  }
  // The document's row counts what was stored, in the same commit: it is the witness of the rest.
  if (seq < life.headSeq) throw damaged(life, missingEntries(seq + 1, life.headSeq))
  const updatedAt = life.lastAt ?? snapshot?.at ?? life.createdAt
  return { head: toHead(life, { seq, updatedAt, bytes }), snapshot, tail }
}

/** Damage that keeps a document shut. */
export class DamagedDocument extends WeftError {
  readonly damage: Damage

  constructor(name: string, damage: Damage) {
    super('DOCUMENT_DAMAGED', `${quoteName(name)}: ${damage.sentence}`)
    this.damage = damage
  }
}

function damaged({ name }: LifeRow, damage: Damage): DamagedDocument {
  return new DamagedDocument(name, damage)
}
