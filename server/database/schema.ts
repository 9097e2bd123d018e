/** The schema of a store as an operator sees it: what has run, what is to run, one step back. */
import { postgresDialect, sqliteDialect, type Dialect } from '../../migrations/dialect.ts'
import type { Kysely } from 'kysely'
import { migrateDown, migrateUp, migrationStatus, type MigrationStatus } from './migrate.ts'
import { openPostgres, toStartError, upTogether } from './postgres-database.ts'
import { openSqlite } from './sqlite-database.ts'

export type Schema = {
  /** Runs what is missing; answers the names. */
  up(): Promise<readonly string[]>
  /** Takes the newest migration back, and with it whatever only that one has room for. */
  down(): Promise<readonly string[]>
  status(): Promise<readonly MigrationStatus[]>
  close(): Promise<void>
}

export function openPostgresSchema(url: string): Schema {
  const refuse = (error: unknown) => {
    throw toStartError(url, error)
  }
  const db = openPostgres(url)
  const schema = schemaOf(db, postgresDialect)
  return {
    up: () => upTogether(db).catch(refuse),
    down: () => schema.down().catch(refuse),
    status: () => schema.status().catch(refuse),
    close: () => schema.close(),
  }
}

export function openSqliteSchema(file: string): Schema {
  return schemaOf(openSqlite(file), sqliteDialect)
}

function schemaOf(db: Kysely<unknown>, dialect: Dialect): Schema {
  return {
    up: () => migrateUp(db, dialect),
    down: () => migrateDown(db, dialect),
    status: () => migrationStatus(db, dialect),
    close: () => db.destroy(),
  }
}
