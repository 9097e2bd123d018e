/** Brings a database to the schema that this version knows, or refuses one it does not know. */
import type { Kysely } from 'kysely'
import { Migrator, type Migration, type MigrationProvider } from 'kysely/migration'
import { migrations } from '../../migrations/index.ts'
import type { Dialect } from '../../migrations/dialect.ts'
import { StartError } from '../base/start-error.ts'

export type MigrationStatus = {
  readonly name: string
  /** When it ran; null when it is still to run. */
  readonly ranAt: Date | null
}

function createMigrator(db: Kysely<unknown>, dialect: Dialect): Migrator {
  const provider: MigrationProvider = {
    getMigrations: () =>
      Promise.resolve(
        Object.fromEntries(
          migrations.map((one): [string, Migration] => [
            one.name,
            { up: kysely => one.up(kysely, dialect), down: kysely => one.down(kysely, dialect) },
          ]),
        ),
      ),
  }
  return new Migrator({
    db,
    provider,
    migrationTableName: 'weft_migrations',
    migrationLockTableName: 'weft_migrations_lock',
  })
}

/**
 * Runs what is missing, in one transaction. Rejects, changing nothing, when the database holds a
 * migration that this version does not know: it was written by a newer one.
 */
export async function migrateUp(db: Kysely<unknown>, dialect: Dialect): Promise<readonly string[]> {
  return runTo(createMigrator(db, dialect).migrateToLatest())
}

/** Takes the newest migration back, and with it whatever only that one has room for. */
export async function migrateDown(
  db: Kysely<unknown>,
  dialect: Dialect,
): Promise<readonly string[]> {
  return runTo(createMigrator(db, dialect).migrateDown())
}

export async function migrationStatus(
  db: Kysely<unknown>,
  dialect: Dialect,
): Promise<readonly MigrationStatus[]> {
  const known = await createMigrator(db, dialect).getMigrations()
  return known.map(({ name, executedAt }) => ({ name, ranAt: executedAt ?? null }))
}

async function runTo(running: ReturnType<Migrator['migrateToLatest']>): Promise<readonly string[]> {
  const { error, results = [] } = await running
  if (error !== undefined) throw newerSchema(error) ?? error
  return results.map(({ migrationName }) => migrationName)
}

/** Kysely tells it by its sentence alone. */
function newerSchema(error: unknown): StartError | undefined {
  const sentence = error instanceof Error ? error.message : ''
  const unknown = /previously executed migration (\S+) is missing/.exec(sentence)?.[1]
  if (unknown === undefined) return undefined
  const what = `the store was written by a newer weft, of which this one does not know "${unknown}"`
  return new StartError(`${what}: start that one, or go back to an older copy`)
}
