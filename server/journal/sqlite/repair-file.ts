/** Lets a damaged document open again, from what can be read. Nothing that is stored is removed. */
import Database from 'better-sqlite3'
import type { DocumentName } from '../../../shared/names.ts'
import { snapshotChecksum } from '../entry-checksum.ts'
import { encodeOwners } from '../owners-text.ts'
import type { Snapshot } from '../journal.ts'
import { salvage, type RepairReport } from '../salvage.ts'
import { inspectFile } from './inspect-file.ts'
import { lockDataDir, sqliteFiles } from './sqlite-files.ts'
import { prepare } from './statements.ts'
import { isDamage, readEntry, readSnapshot } from '../stored-rows.ts'

/**
 * Puts a snapshot of what is left above everything that was ever acknowledged: opening starts from
 * there, damaged rows stay where they are, and no seq is given out twice. Throws when a server
 * runs on the folder; undefined when there is no such document.
 */
export function repairFile(
  dataDir: string,
  name: DocumentName,
  at: number,
): RepairReport | undefined {
  const unlock = lockDataDir(dataDir)
  try {
    const inspection = inspectFile(dataDir, name)
    if (inspection === undefined) return undefined
    const { damage, head } = inspection
    if (damage.length === 0) return { damage: [], seq: head.seq, lost: 0 }
    const highest = Math.max(head.seq, ...damage.map(({ upToSeq }) => upToSeq))
    const { state, owners, lost } = salvageFile(dataDir, name)
    putAbove(dataDir, name, { seq: highest + 1, at, state, owners })
    return { damage: damage.map(({ sentence }) => sentence), seq: highest + 1, lost }
  } finally {
    unlock()
  }
}

function salvageFile(dataDir: string, name: DocumentName) {
  const database = new Database(sqliteFiles(dataDir).database, { readonly: true })
  try {
    const sql = prepare(database)
    const row = sql.newestLife.get(name)
    if (row === undefined) return salvage(null, [])
    const snapshotRow = sql.snapshotBefore.get(row.id, Number.MAX_SAFE_INTEGER)
    const snapshot = snapshotRow === undefined ? null : readSnapshot(row.incarnation, snapshotRow)
    const base = snapshot === null || isDamage(snapshot) ? null : snapshot
    // All of history, not the tail alone: old entries may hold what a damaged snapshot held.
    const entries = sql.entriesAfter.all(row.id, 0).flatMap(entryRow => {
      const entry = readEntry(row.incarnation, entryRow)
      return isDamage(entry) ? [] : [entry]
    })
    return salvage(base, entries)
  } finally {
    database.close()
  }
}

function putAbove(dataDir: string, name: DocumentName, snapshot: Required<Snapshot>): void {
  const database = new Database(sqliteFiles(dataDir).database)
  try {
    database.pragma('synchronous = FULL')
    const sql = prepare(database)
    const row = sql.newestLife.get(name)
    if (row === undefined) return
    const { seq, at, state } = snapshot
    const owners = encodeOwners(snapshot.owners)
    const sum = snapshotChecksum(row.incarnation, { seq, at, state, owners })
    sql.insertSnapshot.run(row.id, seq, at, state, owners, sum)
  } finally {
    database.close()
  }
}
