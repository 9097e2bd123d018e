/** The files of an embedded store, and the lock that keeps a second server away from them. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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

/**
 * Takes the folder for this process: an exclusive transaction on a database of its own. The
 * operating system drops it with the process, however that ends, so no stale lock is ever left.
 * Throws a sentence for the operator when another process holds it.
 */
export function lockDataDir(dataDir: string): () => void {
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
  return () => lock.close()
}

/** Makes the names of the files in it durable. Throws when it cannot. */
export function syncFolder(dataDir: string): void {
  // Windows has no such thing as the sync of a folder; its names are as durable as its files.
  if (process.platform === 'win32') return
  const folder = openSync(dataDir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

export type RunningMark = {
  /** The server before this one did not take its mark away. */
  readonly afterCrash: boolean
  readonly remove: () => void
}

/** Marks that a server runs on the folder, which has to be locked: a file that a crash leaves behind. */
export function markRunning(dataDir: string): RunningMark {
  const { running } = sqliteFiles(dataDir)
  const afterCrash = existsSync(running)
  writeFileSync(running, '')
  return { afterCrash, remove: () => rmSync(running, { force: true }) }
}
