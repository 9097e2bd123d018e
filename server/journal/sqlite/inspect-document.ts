/** Looks at everything that is stored of one document, and checks all of it. */
import { assessDamage, openingSeq } from '../assess-damage.ts'
import type { Damage, DocumentHead, Inspection, Snapshot } from '../journal.ts'
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
  const snapshots = readSnapshots(sql, row)
  const from = openingSeq(snapshots)
  const entries = inspectEntries(sql, row, from)
  const damage = [...entries.damage, ...snapshots.filter(isDamage)]
  if (head.seq < acknowledgedSeq) damage.push(missingEntries(head.seq + 1, acknowledgedSeq))
  return {
    head,
    snapshots: sql.snapshotList
      .all(row.id)
      .map(({ quarantined, ...rest }) => ({ ...rest, quarantined: quarantined === 1 })),
    entries: { count: entries.count, firstSeq: entries.firstSeq, bytes: entries.bytes },
    authors: sql.authors.all(row.id),
    ...assessDamage(damage, from),
  }
}

function inspectEntries(sql: Statements, row: DocumentRow, from: number) {
  const damage: Damage[] = []
  let count = 0
  let bytes = 0
  let firstSeq = 0
  // History may begin later (retention took what the snapshot holds), but has no hole.
  let lastSeq = from
  for (const entryRow of sql.entriesAfter.iterate(row.id, 0)) {
    const { seq } = entryRow
    const entry = readEntry(row.incarnation, entryRow)
    if (isDamage(entry)) damage.push(entry)
    if (seq > lastSeq + 1) damage.push(missingEntries(lastSeq + 1, seq - 1))
    if (count === 0) firstSeq = seq
    lastSeq = seq
    count += 1
    bytes += entryRow.bytes.byteLength
  }
  return { damage, count, bytes, firstSeq }
}

/** Those that are not set aside, newest first. */
function readSnapshots(sql: Statements, row: DocumentRow): (Snapshot | Damage)[] {
  const snapshots: (Snapshot | Damage)[] = []
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const snapshotRow = sql.snapshotBefore.get(row.id, before)
    if (snapshotRow === undefined) return snapshots
    snapshots.push(readSnapshot(row.incarnation, snapshotRow))
    before = snapshotRow.seq
  }
}
