/** Looks at everything that is stored of one document, and checks all of it. */
import type { Damage, DocumentHead, Inspection } from '../journal.ts'
import type { Statements } from './statements.ts'
import {
  isDamage,
  missingEntries,
  readEntry,
  readSnapshot,
  type DocumentRow,
} from '../stored-rows.ts'

type Known = { readonly head: DocumentHead; readonly acknowledgedSeq: number }

export function inspectDocument(sql: Statements, row: DocumentRow, known: Known): Inspection {
  const { head, acknowledgedSeq } = known
  const entries = inspectEntries(sql, row)
  const damage = [...entries.damage, ...inspectSnapshots(sql, row)]
  if (head.seq < acknowledgedSeq) damage.push(missingEntries(head.seq + 1, acknowledgedSeq))
  return {
    head,
    snapshots: sql.snapshotList
      .all(row.id)
      .map(({ quarantined, ...rest }) => ({ ...rest, quarantined: quarantined === 1 })),
    entries: { count: entries.count, firstSeq: entries.firstSeq, bytes: entries.bytes },
    authors: sql.authors.all(row.id),
    damage,
  }
}

function inspectEntries(sql: Statements, row: DocumentRow) {
  const damage: Damage[] = []
  let count = 0
  let bytes = 0
  let firstSeq = 0
  let lastSeq = 0
  for (const entryRow of sql.entriesAfter.iterate(row.id, 0)) {
    const { seq } = entryRow
    const entry = readEntry(row.incarnation, entryRow)
    if (isDamage(entry)) damage.push(entry)
    // History may begin later (retention took the start), but has no hole.
    if (count > 0 && seq > lastSeq + 1) damage.push(missingEntries(lastSeq + 1, seq - 1))
    if (count === 0) firstSeq = seq
    lastSeq = seq
    count += 1
    bytes += entryRow.bytes.byteLength
  }
  return { damage, count, bytes, firstSeq }
}

function inspectSnapshots(sql: Statements, row: DocumentRow): Damage[] {
  const damage: Damage[] = []
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const snapshotRow = sql.snapshotBefore.get(row.id, before)
    if (snapshotRow === undefined) return damage
    const snapshot = readSnapshot(row.incarnation, snapshotRow)
    if (isDamage(snapshot)) damage.push(snapshot)
    before = snapshotRow.seq
  }
}
