/** The embedded database file, through Kysely. */
import { Kysely, SqliteAdapter, SqliteDialect } from 'kysely'
import { sqliteDialect } from '../../migrations/dialect.ts'
import { migrateUp } from './migrate.ts'
import { openSqliteFile } from './sqlite-file.ts'

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

/** For the schema alone, in this thread: a server uses `openDatabase`. */
export function openSqlite(file: string): Kysely<unknown> {
  return new Kysely({ dialect: new TransactionalDdlDialect({ database: openSqliteFile(file) }) })
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
