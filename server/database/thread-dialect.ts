/** Kysely's SQLite over a thread: a disk that takes its time must not hold the event loop. */
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely'
import { assert } from '../../shared/assert.ts'
import { toDatabaseError } from './sql-error.ts'
import { SqliteThread } from './sqlite-thread.ts'
import { Turns } from './turns.ts'

export type ThreadDialectOptions = {
  readonly file: string
  /** The file can no longer be trusted: only a new start can tell what is in it. */
  readonly onBroken: (reason: string) => void
}

/** Statements and transactions that wait for their turn. */
const WAITING_MAX = 10_000

export class ThreadDialect implements Dialect {
  readonly driver: ThreadDriver

  constructor(options: ThreadDialectOptions) {
    this.driver = new ThreadDriver(options)
  }

  createDriver(): Driver {
    return this.driver
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler()
  }

  createAdapter() {
    return new ThreadAdapter()
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db)
  }
}

class ThreadAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  /** Taking turns is the driver's business: Kysely's own queue has no end. */
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/** One connection; whoever has it has the file, so that transactions are never inside each other. */
export class ThreadDriver implements Driver {
  readonly #options: ThreadDialectOptions
  readonly #turns = new Turns(WAITING_MAX)
  #thread: SqliteThread | undefined
  #closing: Promise<void> | undefined

  constructor(options: ThreadDialectOptions) {
    this.#options = options
  }

  async init(): Promise<void> {}

  /** A thread that died is replaced; what was going on in it has failed and was rolled back. */
  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#closing !== undefined) throw toDatabaseError(undefined, 'it was closed')
    await this.#turns.take()
    if (this.#thread === undefined || this.#thread.hasEnded) {
      const { file, onBroken } = this.#options
      this.#thread = new SqliteThread(file, onBroken)
    }
    return new ThreadConnection(this.#thread)
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // At once as a writer: a transaction that reads first, and finds that the journal has written
    // since, would be refused when it writes, however long it is willing to wait.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  releaseConnection(): Promise<void> {
    this.#turns.give()
    return Promise.resolve()
  }

  /** What was asked before is answered first. */
  destroy(): Promise<void> {
    this.#closing ??= this.#turns.takeAnyway().then(async () => {
      await this.#thread?.close()
      this.#turns.give()
    })
    return this.#closing
  }

  async killThreadForTesting(): Promise<void> {
    await this.#thread?.killForTesting()
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #thread: SqliteThread

  constructor(thread: SqliteThread) {
    this.#thread = thread
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await this.#thread.run(sql, parameters)
    const counted = changes === undefined ? {} : { numAffectedRows: BigInt(changes) }
    return { rows: rows as Row[], ...counted }
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    assert(false, 'large answers are read page by page')
  }
}
