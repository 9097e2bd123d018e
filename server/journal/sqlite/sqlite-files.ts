/** The files of an embedded store, and the lock that keeps a second server away from them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../../base/start-error.ts'
import Database from 'better-sqlite3'

export type SqliteFiles = {
  readonly database: string
  readonly witness: string
  readonly lock: string
}

export function sqliteFiles(dataDir: string): SqliteFiles {
  return {
    database: join(dataDir, 'weft.sqlite'),
    witness: join(dataDir, 'weft.heads'),
    lock: join(dataDir, 'weft.lock'),
  }
}

/**
 * Takes the folder for this process: an exclusive transaction on a database of its own. The
 * operating system drops it with the process, however that ends, so no stale lock is ever left.
 * Throws a sentence for the operator when another process holds it.
 */
export function lockDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  const lock = new Database(sqliteFiles(dataDir).lock, { timeout: 0 })
  try {
    lock.pragma('journal_mode = DELETE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new StartError(
      `another weft is running on ${dataDir}: stop it, or set WEFT_DATA_DIR to another folder`,
      { cause: error },
    )
  }
  return () => lock.close()
}
