/** Looks at everything that is stored of one document, and checks all of it, page by page. */
import type { DocumentName } from '../../../shared/names.ts'
import { assessDamage, openingSeq } from '../assess-damage.ts'
import { placedChecksum } from '../entry-checksum.ts'
import type { Damage, DocumentHead, Entry, Inspection, Snapshot } from '../journal.ts'
import { isDamage, missingEntries, readEntry, readSnapshot } from '../stored-rows.ts'
import type { EntryRow, SnapshotRow } from '../stored-rows.ts'
import type { PostgresDatabase } from './database.ts'
import * as sql from './statements.ts'

const PAGE = 1_000

/** The newest life of a name; undefined when there never was one. */
export async function inspectName(
  database: PostgresDatabase,
  name: DocumentName,
): Promise<Inspection | undefined> {
  const [head] = await database.rows<DocumentHead>(sql.HEAD, [name])
  return head === undefined ? undefined : inspectDocument(database, head)
}

export async function inspectDocument(
  database: PostgresDatabase,
  head: DocumentHead,
): Promise<Inspection> {
  const { incarnation } = head
  const snapshots: (Snapshot | Damage)[] = []
  for await (const snapshot of snapshotsOf(database, incarnation)) snapshots.push(snapshot)
  const from = openingSeq(snapshots)
  const entries = await inspectEntries(database, head, from)
  type Listed = Inspection['snapshots'][number]
  type Author = Inspection['authors'][number]
  return {
    head,
    snapshots: await database.rows<Listed>(sql.SNAPSHOTS, [incarnation]),
    entries: { count: entries.count, firstSeq: entries.firstSeq, bytes: entries.bytes },
    authors: await database.rows<Author>(sql.AUTHORS, [incarnation]),
    ...assessDamage([...entries.damage, ...snapshots.filter(isDamage)], from),
  }
}

async function inspectEntries(database: PostgresDatabase, head: DocumentHead, from: number) {
  const damage: Damage[] = []
  // History may begin later (retention took what the snapshot holds), but has no hole.
  let [count, bytes, firstSeq, lastSeq] = [0, 0, 0, from]
  for await (const row of entriesOf(database, head.incarnation)) {
    const { seq } = row
    const entry = readEntry(head.incarnation, row, placedChecksum)
    if (isDamage(entry)) damage.push(entry)
    if (seq > lastSeq + 1) damage.push(missingEntries(lastSeq + 1, seq - 1))
    if (count === 0) firstSeq = seq
    lastSeq = seq
    count += 1
    bytes += row.bytes.byteLength
  }
  const reached = Math.max(lastSeq, from)
  if (reached < head.seq) damage.push(missingEntries(reached + 1, head.seq))
  return { damage, count, bytes, firstSeq }
}

/** All entries of a life, in order. */
export async function* entriesOf(
  database: PostgresDatabase,
  incarnation: string,
): AsyncGenerator<EntryRow> {
  let after = 0
  for (;;) {
    const page = await database.rows<EntryRow>(sql.ENTRIES_OF_LIFE, [incarnation, after, PAGE])
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.seq
  }
}

/** The snapshots that are not set aside, newest first, read and checked. */
export async function* snapshotsOf(
  database: PostgresDatabase,
  incarnation: string,
): AsyncGenerator<Snapshot | Damage> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const values = [incarnation, before]
    const [row] = await database.rows<SnapshotRow>(sql.SNAPSHOT_BEFORE, values)
    if (row === undefined) return
    yield readSnapshot(incarnation, row)
    before = row.seq
  }
}

/** Entries that pass their check; for a repair. */
export async function soundEntriesOf(
  database: PostgresDatabase,
  incarnation: string,
): Promise<readonly Entry[]> {
  const sound: Entry[] = []
  for await (const row of entriesOf(database, incarnation)) {
    const entry = readEntry(incarnation, row, placedChecksum)
    if (!isDamage(entry)) sound.push(entry)
  }
  return sound
}
