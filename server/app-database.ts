/** The relational tables of the store that the settings ask for, and the audit log in them. */
import { join } from 'node:path'
import { AnchorFile } from './audit/anchor-file.ts'
import type { Breakers } from './base/breaker.ts'
import type { Config } from './config.ts'
import { openDatabase, type Database } from './database/database.ts'
import { isOutage } from './database/sql-error.ts'
import { sqliteFiles } from './journal/sqlite/sqlite-files.ts'

export type OpenedDatabase = {
  readonly database: Database
  /** Resolves with a reason when only a new start can tell what is stored. */
  readonly broken: Promise<string>
}

/** Opened after the journal, which brings the schema up to date and takes the folder. */
export function openStore(config: Config, breakers: Breakers): OpenedDatabase {
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  if (url === undefined) {
    const { promise: broken, resolve: onBroken } = Promise.withResolvers<string>()
    const { database: file } = sqliteFiles(dataDir)
    return { database: openDatabase({ kind: 'sqlite', file, onBroken }), broken }
  }
  const terms = { isFailure: isOutage, resetMs: DATABASE_RESET_MS_MAX }
  const database = openDatabase({
    kind: 'postgres',
    url,
    timeoutMs: config.WEFT_DATABASE_TIMEOUT_MS,
    guard: breakers.breaker('database', terms).run,
  })
  // Postgres ends its own process after a failed sync, and what it says later is read anew.
  return { database, broken: new Promise(() => {}) }
}

/** A probe is one statement, and while it waits nobody new is let in. */
const DATABASE_RESET_MS_MAX = 1_000

export function anchorFile(config: Config): AnchorFile {
  return new AnchorFile({
    file: config.WEFT_AUDIT_ANCHOR_FILE ?? join(config.WEFT_DATA_DIR, 'audit-anchors.ndjson'),
    secret: config.WEFT_AUDIT_SECRET,
  })
}
