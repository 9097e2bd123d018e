/** A pool of Postgres connections in which every step has a guard, a time limit and errors of ours. */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { DatabaseError, Pool, TypeOverrides, types as pgTypes, type PoolClient } from 'pg'
import { sleep, systemClock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Guard } from '../base/breaker.ts'
import { isOutage, toDatabaseError, type SqlError } from './sql-error.ts'

export type GuardedPoolOptions = {
  readonly url: string
  readonly connectionsMax: number
  /** For connecting, and for each statement: longer is a failure, and the connection is destroyed. */
  readonly timeoutMs: number
  /** The place for a circuit breaker. */
  readonly guard: Guard
}

/** Whole numbers of ours are far below 2^53; pg makes strings of all bigints otherwise. */
const types = new TypeOverrides()
types.setTypeParser(pgTypes.builtins.INT8, Number)

const WAITING_MAX = 10_000
const CLOSE_AFTER_MS = 2_000

export class GuardedPool implements PostgresPool {
  readonly options = {}
  readonly #pool: Pool
  readonly #guard: Guard
  #closing: Promise<void> | undefined

  constructor({ url, connectionsMax, timeoutMs, guard }: GuardedPoolOptions) {
    this.#guard = guard
    this.#pool = new Pool({
      connectionString: url,
      max: connectionsMax,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
      application_name: 'weft',
      types,
    })
    // An idle connection that breaks is replaced by the next query; unheard, it would end the process.
    this.#pool.on('error', () => {})
    this.#pool.on('connect', client => void client.on('error', () => {}))
  }

  async connect(): Promise<PostgresPoolClient> {
    if (this.#closing !== undefined) throw toDatabaseError(undefined, 'it was closed')
    if (this.#pool.waitingCount >= WAITING_MAX) {
      throw toDatabaseError(undefined, 'too many statements wait for it')
    }
    const guarded = <T>(action: () => Promise<T>): Promise<T> =>
      this.#guard(() => action().catch((error: unknown) => Promise.reject(toFailure(error))))
    const client = await guarded(() => this.#pool.connect())
    return new GuardedClient(client, guarded)
  }

  /** What is under way is finished first; a database that does not answer must not hold the end up. */
  end(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    const timeOver = new AbortController()
    const ended = this.#pool.end().catch(() => {})
    await Promise.race([ended, sleep(systemClock, CLOSE_AFTER_MS, timeOver.signal)])
    timeOver.abort()
  }
}

class GuardedClient implements PostgresPoolClient {
  readonly #client: PoolClient
  readonly #guarded: Guard
  #failed = false

  constructor(client: PoolClient, guarded: Guard) {
    this.#client = client
    this.#guarded = guarded
  }

  /** Kysely asks with a cursor only where one was given to it, and none is. */
  readonly query = (async <Row>(sql: string, parameters: readonly unknown[]) => {
    try {
      const result = await this.#guarded(() => this.#client.query(sql, [...parameters]))
      return result as unknown as PostgresQueryResult<Row>
    } catch (error) {
      // A statement may still be running, or a rollback was never sent: nobody gets this one again,
      // and with the connection ends its transaction.
      if (isOutage(error)) this.#failed = true
      throw error
    }
  }) as PostgresPoolClient['query']

  release(destroy = false): void {
    this.#client.release(destroy || this.#failed)
  }
}

function toFailure(error: unknown): SqlError | WeftError {
  if (error instanceof WeftError) return error
  // An address with several IPs fails with several errors and no sentence of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const sentence = first instanceof Error ? first.message : String(first)
  return toDatabaseError(error instanceof DatabaseError ? error.code : undefined, sentence)
}
