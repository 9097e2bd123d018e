/** A Postgres database, through Kysely. */
import { Kysely, PostgresDialect } from 'kysely'
import { DatabaseError, Pool } from 'pg'
import { StartError } from '../base/start-error.ts'
import { postgresDialect } from '../../migrations/dialect.ts'
import { migrateUp } from './migrate.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** For the schema alone: a server uses `openDatabase`. */
export function openPostgres(url: string): Kysely<unknown> {
  const pool = new Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'weft',
  })
  // An idle connection that breaks is replaced by the next query; unheard, it would end the process.
  pool.on('error', () => {})
  // The same for one that breaks between two statements of a transaction: the next one fails.
  pool.on('connect', client => void client.on('error', () => {}))
  return new Kysely({ dialect: new PostgresDialect({ pool }) })
}

/**
 * Creates or upgrades the schema. Servers that start together do so one after the other: Kysely
 * holds an advisory lock of the transaction around all of it.
 */
export async function migratePostgres(url: string): Promise<readonly string[]> {
  const db = openPostgres(url)
  try {
    return await upTogether(db)
  } catch (error) {
    throw toStartError(url, error)
  } finally {
    await db.destroy()
  }
}

/**
 * The tables in which Kysely keeps its account are made before there is a lock to hold. Postgres
 * lets one of those who make them at once succeed, and tells the others in words of its own.
 */
export async function upTogether(db: Kysely<unknown>): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await migrateUp(db, postgresDialect)
    } catch (error) {
      if (!isMadeByOther(error) || attempt === ATTEMPTS) throw error
    }
  }
}

const ATTEMPTS = 5

function isMadeByOther(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  const { code, constraint = '' } = error
  return code === '42P07' || (code === '23505' && constraint.startsWith('pg_'))
}

/** A sentence for the operator, whatever went wrong. */
export function toStartError(url: string, error: unknown): StartError {
  if (error instanceof StartError) return error
  // An address with several IPs fails with several errors and no sentence of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const sentence = first instanceof Error ? first.message : String(first)
  return new StartError(`the database at ${describeDatabase(url)} cannot be used: ${sentence}`)
}

/** Where it is, without the user and his password. */
export function describeDatabase(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}
