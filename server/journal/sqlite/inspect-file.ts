/** Reads a store from outside, without the lock of a server and without changing anything. */
import { existsSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { DocumentName } from '../../../shared/names.ts'
import type { Inspection } from '../journal.ts'
import { acknowledgedSeq, readHeads, witnessKey } from './head-witness.ts'
import { inspectDocument } from './inspect-document.ts'
import { sqliteFiles } from './sqlite-files.ts'
import { prepare } from './statements.ts'
import { toHead } from '../stored-rows.ts'

export function inspectFile(dataDir: string, name: DocumentName): Inspection | undefined {
  const files = sqliteFiles(dataDir)
  const database = new Database(files.database, { readonly: true, fileMustExist: true })
  try {
    // One read transaction, so that a server that writes meanwhile does not look like damage; the
    // witness is read before it, because it only ever lags behind.
    const heads = existsSync(files.witness) ? readHeads(readFileSync(files.witness)) : new Map()
    return database.transaction(() => {
      const sql = prepare(database)
      const row = sql.newestLife.get(name)
      if (row === undefined) return undefined
      const facts = sql.headFacts.get({ id: row.id, createdAt: row.createdAt })
      const head = toHead(row, facts ?? { seq: 0, updatedAt: row.createdAt, bytes: 0 })
      const key = witnessKey(name, row.incarnation)
      return inspectDocument(sql, row, {
        head,
        acknowledgedSeq: acknowledgedSeq(key, heads.get(key.name)),
      })
    })()
  } finally {
    database.close()
  }
}
