/** The relational tables of a store, SQLite or Postgres, for the rooms that keep facts in them. */
import { CompiledQuery, Kysely, PostgresDialect, PostgresDriver } from 'kysely'
import type { DatabaseConnection, Driver, TransactionSettings } from 'kysely'
import type { Guard } from '../base/breaker.ts'
import { GuardedPool } from './guarded-pool.ts'
import { ThreadDialect } from './thread-dialect.ts'

export type Database = {
  /**
   * Rooms type their own tables on it. Statements reject with a `SqlError` when they are wrong, with
   * DEPENDENCY_UNAVAILABLE (retryable) when the database is away. What changes something is done
   * in a transaction, which waits for nothing but the database: on SQLite nobody else writes meanwhile.
   */
  readonly db: Kysely<unknown>
  readonly dialect: 'sqlite' | 'postgres'
  /** What was asked before is answered first; what comes later is rejected. */
  close(): Promise<void>
}

export type DatabaseOptions =
  | {
      readonly kind: 'sqlite'
      /** `weft.sqlite`; its folder has to be locked, its schema up to date. */
      readonly file: string
      /** The file can no longer be trusted: only a new start can tell what is in it. */
      readonly onBroken?: (reason: string) => void
    }
  | {
      readonly kind: 'postgres'
      readonly url: string
      readonly connectionsMax?: number
      readonly timeoutMs?: number
      /** A circuit breaker; see `isOutage`. */
      readonly guard?: Guard
    }

const CONNECTIONS_MAX = 4
const TIMEOUT_MS = 10_000
/** A lock is given up on earlier than the whole statement, so that nothing waits on unseen. */
const LOCK_SHARE = 0.8

/** Nothing is opened before somebody asks. */
export function openDatabase(options: DatabaseOptions): Database {
  if (options.kind === 'sqlite') {
    const { file, onBroken = () => {} } = options
    const dialect = new ThreadDialect({ file, onBroken })
    return {
      db: new Kysely({ dialect }),
      dialect: 'sqlite',
      close: () => dialect.driver.destroy(),
    }
  }
  const { url, connectionsMax = CONNECTIONS_MAX, timeoutMs = TIMEOUT_MS } = options
  const guard: Guard = options.guard ?? (action => action())
  const pool = new GuardedPool({ url, connectionsMax, timeoutMs, guard })
  const dialect = new DurableDialect(pool, Math.ceil(timeoutMs * LOCK_SHARE))
  return { db: new Kysely({ dialect }), dialect: 'postgres', close: () => pool.end() }
}

class DurableDialect extends PostgresDialect {
  readonly #pool: GuardedPool
  readonly #lockTimeoutMs: number

  constructor(pool: GuardedPool, lockTimeoutMs: number) {
    super({ pool })
    this.#pool = pool
    this.#lockTimeoutMs = lockTimeoutMs
  }

  override createDriver(): Driver {
    return new DurableDriver(this.#pool, this.#lockTimeoutMs)
  }
}

/** Committed means durable, whatever the database is set to; see migration 004. */
class DurableDriver extends PostgresDriver {
  readonly #durably: CompiledQuery

  constructor(pool: GuardedPool, lockTimeoutMs: number) {
    super({ pool })
    this.#durably = CompiledQuery.raw('select weft_durably($1)', [lockTimeoutMs])
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await super.beginTransaction(connection, settings)
    try {
      await connection.executeQuery(this.#durably)
    } catch (error) {
      // Kysely takes back only what has begun.
      await connection.executeQuery(CompiledQuery.raw('rollback'))
      throw error
    }
  }
}
