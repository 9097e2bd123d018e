/** The embedded database file, through Kysely. */
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteAdapter, SqliteDialect } from 'kysely'
import { sqliteDialect } from '../../migrations/dialect.ts'
import { migrateUp } from './migrate.ts'

/**
 * SQLite changes its schema inside transactions like everything else, but Kysely's own adapter says
 * no. Without this a server that dies while it migrates leaves half a schema, and no way forward.
 */
class TransactionalDdlDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new (class extends SqliteAdapter {
      override get supportsTransactionalDdl(): boolean {
        return true
      }
    })()
  }
}

/** The journal's tables belong to its own thread; rooms with tables of their own type them here. */
export function openSqlite(file: string): Kysely<unknown> {
  const database = new Sqlite(file)
  database.pragma('journal_mode = WAL')
  // FULL, because WAL alone keeps a commit in memory until the next checkpoint.
  database.pragma('synchronous = FULL')
  database.pragma('busy_timeout = 5000')
  return new Kysely({ dialect: new TransactionalDdlDialect({ database }) })
}

/** Creates or upgrades the file's schema, then lets go of it. */
export async function migrateSqliteFile(file: string): Promise<readonly string[]> {
  const db = openSqlite(file)
  try {
    return await migrateUp(db, sqliteDialect)
  } finally {
    await db.destroy()
  }
}
