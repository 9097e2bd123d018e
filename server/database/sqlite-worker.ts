/** The thread of the relational tables in SQLite: one connection, one statement at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { assert } from '../../shared/assert.ts'
import { openSqliteFile } from './sqlite-file.ts'
import type { Answer, Failure, FromThread, ToThread } from './sqlite-thread.ts'

assert(parentPort !== null, 'this file runs in a thread')
const port = parentPort
const { file } = workerData as { readonly file: string }
const tell = (message: FromThread) => port.postMessage(message)
const database = openSqliteFile(file)

port.on('message', (message: ToThread) => {
  if (message.kind === 'close') {
    database.close()
    port.close()
    return
  }
  const { id, sql, parameters } = message
  try {
    tell({ kind: 'answer', id, answer: run(sql, parameters) })
  } catch (error) {
    tell({ kind: 'failure', id, failure: toFailure(error) })
  }
})

function run(sql: string, parameters: readonly unknown[]): Answer {
  // After some failures, such as a full disk, SQLite has rolled back by itself.
  if (sql === 'rollback' && !database.inTransaction) return { rows: [], changes: 0 }
  const statement = database.prepare(sql)
  if (statement.reader) return { rows: statement.all(...parameters), changes: undefined }
  return { rows: [], changes: statement.run(...parameters).changes }
}

function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  // The rest is better-sqlite3 on values that it cannot bind.
  const code = error instanceof Sqlite.SqliteError ? error.code : 'SQLITE_MISUSE'
  return { code, message, broken: isBroken(code) }
}

/** The same as for the journal's thread: after a failed write or sync a later success proves nothing. */
function isBroken(code: string): boolean {
  return /^SQLITE_IOERR_(FSYNC|DIR_FSYNC|WRITE|TRUNCATE)|^SQLITE_(CORRUPT|NOTADB)/.test(code)
}
