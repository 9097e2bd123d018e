/** The files of an embedded store, and the lock that keeps a second server away from them. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../../base/start-error.ts'
import Database from 'better-sqlite3'

export type SqliteFiles = {
  readonly database: string
  readonly witness: string
  readonly lock: string
  /** There while a server runs, and after one that ended without a word. */
  readonly running: string
}

export function sqliteFiles(dataDir: string): SqliteFiles {
  return {
    database: join(dataDir, 'weft.sqlite'),
    witness: join(dataDir, 'weft.heads'),
    lock: join(dataDir, 'weft.lock'),
    running: join(dataDir, 'weft.running'),
  }
}

export type DataDirLock = {
  /** The server before this one did not unlock it. */
  readonly afterCrash: boolean
  readonly unlock: () => void
}

/**
 * Takes the folder for this process: an exclusive transaction on a database of its own. The
 * operating system drops it with the process, however that ends, so no stale lock is ever left.
 * Throws a sentence for the operator when another process holds it.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  mkdirSync(dataDir, { recursive: true })
  const files = sqliteFiles(dataDir)
  const lock = new Database(files.lock, { timeout: 0 })
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
  const afterCrash = existsSync(files.running)
  writeFileSync(files.running, '')
  return {
    afterCrash,
    unlock() {
      // Before the lock is gone: the next server writes a mark of its own.
      rmSync(files.running, { force: true })
      lock.close()
    },
  }
}
