/** The one way to Postgres: a bounded pool, a time limit for everything, and errors of our own. */
import { DatabaseError, Pool, TypeOverrides, types as pgTypes } from 'pg'
import { sleep, systemClock, type Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'

export type PostgresOptions = {
  readonly url: string
  readonly clock: Clock
  readonly poolMax?: number | undefined
  /** For connecting, and for each statement: longer is a failure, and the connection is destroyed. */
  readonly timeoutMs?: number | undefined
  /** Every query passes through it; the place for a circuit breaker. */
  readonly guard?: (<T>(action: () => Promise<T>) => Promise<T>) | undefined
}

export type DatabaseState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'failing'; readonly reason: string }

const POOL_MAX = 10
const TIMEOUT_MS = 10_000
/** A lock is given up on earlier than the whole statement, so that nothing waits on unseen. */
const LOCK_SHARE = 0.8
/** Serialization failure, deadlock: rolled back for sure, and most likely fine the next time. */
const AGAIN = new Set(['40001', '40P01'])
const ATTEMPTS = 5
const PROBE_AFTER_MS = 1_000
const CLOSE_AFTER_MS = 2_000

/** Whole numbers of ours are far below 2^53; pg makes strings of all bigints otherwise. */
const types = new TypeOverrides()
types.setTypeParser(pgTypes.builtins.INT8, Number)

export class PostgresDatabase {
  readonly lockTimeoutMs: number
  readonly #pool: Pool
  readonly #clock: Clock
  readonly #guard: NonNullable<PostgresOptions['guard']>
  #state: DatabaseState = { kind: 'ok' }
  #closed = false
  #cancelProbe: (() => void) | undefined

  constructor({ url, clock, poolMax, timeoutMs = TIMEOUT_MS, guard }: PostgresOptions) {
    this.#clock = clock
    this.#guard = guard ?? (action => action())
    this.lockTimeoutMs = Math.ceil(timeoutMs * LOCK_SHARE)
    this.#pool = new Pool({
      connectionString: url,
      max: poolMax ?? POOL_MAX,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
      application_name: 'weft',
      types,
    })
    // An idle connection that breaks is replaced by the next query; unheard, it would end the process.
    this.#pool.on('error', error => this.#failed(toFailure(error)))
    this.#pool.on('connect', client => void client.on('error', () => {}))
  }

  get state(): DatabaseState {
    return this.#state
  }

  /** One statement, in a transaction of its own. Never a named one: poolers lose those. */
  async rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { rows } = await this.#guard(() => this.#pool.query<Row>(text, [...values]))
        this.#state = { kind: 'ok' }
        return rows
      } catch (error) {
        const failure = toFailure(error)
        if (AGAIN.has(sqlStateOf(failure) ?? '') && attempt < ATTEMPTS) {
          await sleep(this.#clock, attempt * 5)
          continue
        }
        this.#failed(failure)
        throw failure
      }
    }
  }

  /** What the database says is wrong with the values given is no failure of the database. */
  #failed(failure: WeftError): void {
    if (isDataError(failure) || this.#closed) return
    this.#state = { kind: 'failing', reason: failure.message }
    // Nobody may ask again by himself when a failing server gets no clients.
    this.#cancelProbe ??= this.#clock.after(PROBE_AFTER_MS, () => {
      this.#cancelProbe = undefined
      if (this.#state.kind === 'failing') this.rows('SELECT 1', []).catch(() => {})
    })
  }

  /** A database that does not answer must not hold the end up. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelProbe?.()
    const timeOver = new AbortController()
    const ended = this.#pool.end().catch(() => {})
    await Promise.race([ended, sleep(this.#clock, CLOSE_AFTER_MS, timeOver.signal)])
    timeOver.abort()
  }
}

/** For a look from outside: a database as long as `action` takes. */
export async function withPostgres<T>(
  url: string,
  action: (database: PostgresDatabase) => Promise<T>,
): Promise<T> {
  const database = new PostgresDatabase({ url, clock: systemClock, poolMax: 1, timeoutMs: 60_000 })
  try {
    return await action(database)
  } finally {
    await database.close()
  }
}

/** Values that the database cannot take: nothing to be cured by trying again. */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(sqlStateOf(error) ?? '')
}

/** Pages that the database itself found damaged. */
export function isCorruption(error: unknown): boolean {
  return /^XX00[12]$/.test(sqlStateOf(error) ?? '')
}

type Cause = { readonly sqlState: string | undefined }

function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof WeftError)) return undefined
  return (error.cause as Partial<Cause> | undefined)?.sqlState
}

/**
 * Keeps the code and the sentence alone: details of Postgres show rows, and rows are what people
 * wrote. What comes from a guard (a breaker that is open) is unavailable too.
 */
function toFailure(error: unknown): WeftError {
  if (error instanceof WeftError) return error
  // An address with several IPs fails with several errors and no sentence of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const sentence = first instanceof Error ? first.message : String(first)
  const sqlState = error instanceof DatabaseError ? error.code : undefined
  const cause: Cause = { sqlState }
  return new WeftError('JOURNAL_UNAVAILABLE', `Postgres: ${sentence}`, {
    retryAfterMs: 1_000,
    cause,
  })
}
