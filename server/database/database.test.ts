/** Both databases keep the contract; what dies or is away is told of, and comes back. */
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../e2e/support/needs.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { createBreakers } from '../base/breaker.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { Postgres } from '../testing/postgres.ts'
import { databaseContract } from './database.contract.ts'
import { openDatabase } from './database.ts'
import { migratePostgres } from './postgres-database.ts'
import { isOutage } from './sql-error.ts'
import { migrateSqliteFile } from './sqlite-database.ts'
import { ThreadDriver } from './thread-dialect.ts'
import { Turns } from './turns.ts'

databaseContract('SQLite', async () => {
  const folder = temporaryFolder()
  const file = join(folder.path, 'weft.sqlite')
  await migrateSqliteFile(file)
  const database = openDatabase({ kind: 'sqlite', file })
  return { database, remove: () => database.close().then(() => folder.remove()) }
})

describe('the thread of SQLite', () => {
  const unavailable = { code: 'DEPENDENCY_UNAVAILABLE', retryable: true }

  test('[DB5] its death rejects what waits, and the next one gets a new thread', async () => {
    const folder = temporaryFolder()
    const driver = new ThreadDriver({ file: join(folder.path, 'a.sqlite'), onBroken: () => {} })
    const run = async (text: string) => {
      const connection = await driver.acquireConnection()
      try {
        return (await connection.executeQuery(sql.raw(text).compile(compiler))).rows
      } finally {
        await driver.releaseConnection()
      }
    }
    const compiler = openDatabase({ kind: 'sqlite', file: '' }).db
    await run('CREATE TABLE a (b)')
    const inside = await driver.acquireConnection()
    await driver.beginTransaction(inside)
    await inside.executeQuery(sql`INSERT INTO a VALUES (1)`.compile(compiler))
    // Long enough to be under way when the thread dies, which no statement is interrupted by.
    const slow = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000)
      SELECT max(i) FROM n`
    const running = inside.executeQuery(sql.raw(slow).compile(compiler))
    const rejected = expect(running).rejects.toMatchObject(unavailable)
    const waiting = run('SELECT * FROM a')
    await driver.killThreadForTesting()
    await rejected
    await expect(driver.commitTransaction(inside)).rejects.toMatchObject(unavailable)
    await driver.releaseConnection()
    expect(await waiting).toEqual([])
    await driver.destroy()
    folder.remove()
  })

  test('[DB6] no more wait for their turn than may', async () => {
    const turns = new Turns(2)
    await turns.take()
    const waiting = [turns.take(), turns.take()]
    await expect(turns.take()).rejects.toMatchObject(unavailable)
    turns.give()
    turns.give()
    await Promise.all(waiting)
  })

  test('[DB2] a transaction that has only read has the file for itself already', async () => {
    const folder = temporaryFolder()
    const file = join(folder.path, 'weft.sqlite')
    const database = openDatabase({ kind: 'sqlite', file })
    await sql`CREATE TABLE a (b)`.execute(database.db)
    const impatient = new Sqlite(file, { timeout: 0 })
    const write = () => impatient.exec('INSERT INTO a VALUES (1)')
    await database.db.transaction().execute(async trx => {
      await sql`SELECT * FROM a`.execute(trx)
      expect(write).toThrow('database is locked')
      await sql`INSERT INTO a VALUES (2)`.execute(trx)
    })
    write()
    impatient.close()
    await database.close()
    folder.remove()
  })

  test('[DB7] waits for the other writer of the file', async () => {
    const folder = temporaryFolder()
    const file = join(folder.path, 'weft.sqlite')
    const [one, other] = [
      openDatabase({ kind: 'sqlite', file }),
      openDatabase({ kind: 'sqlite', file }),
    ]
    await sql`CREATE TABLE a (b)`.execute(one.db)
    const add = ({ db }: typeof one) =>
      db.transaction().execute(async trx => {
        const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM a`.execute(trx)
        await sql`INSERT INTO a VALUES (${rows[0]?.n})`.execute(trx)
      })
    await Promise.all(Array.from({ length: 40 }, (_, i) => add(i % 2 === 0 ? one : other)))
    const { rows } = await sql<{ b: number }>`SELECT b FROM a ORDER BY b`.execute(one.db)
    expect(rows.map(({ b }) => b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
    await Promise.all([one.close(), other.close()])
    folder.remove()
  })
})

const noPostgres =
  missing('the database on Postgres', { binaries: ['initdb', 'postgres'] }) !== null

describe.skipIf(noPostgres)('Postgres', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await Postgres.start({ fsync: 'off' })
  })
  afterAll(() => postgres.remove())

  const open = async () => {
    const url = await postgres.createDatabase()
    await migratePostgres(url)
    return url
  }

  databaseContract('Postgres', async () => {
    const database = openDatabase({ kind: 'postgres', url: await open() })
    return { database, remove: () => database.close() }
  })

  test('[DB8] committed means durable, whatever the database is set to', async () => {
    const url = await open()
    await postgres.query(
      url,
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`,
    )
    const database = openDatabase({ kind: 'postgres', url })
    const show = sql<{ synchronous_commit: string }>`SHOW synchronous_commit`
    expect((await show.execute(database.db)).rows).toEqual([{ synchronous_commit: 'off' }])
    const { rows } = await database.db.transaction().execute(trx => show.execute(trx))
    expect(rows).toEqual([{ synchronous_commit: 'on' }])
    await database.close()
  })

  test('[DB9] a statement that takes too long has failed, and nobody gets its connection', async () => {
    const terms = { connectionsMax: 1, timeoutMs: 1_000 }
    const database = openDatabase({ kind: 'postgres', url: await open(), ...terms })
    const slow = sql`SELECT pg_sleep(5)`.execute(database.db)
    await expect(slow).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE', retryable: true })
    expect((await sql`SELECT 1`.execute(database.db)).rows).toHaveLength(1)
    await database.close()
  })

  test('[DB9] a database that is away opens the breaker, and is used again when it is back', async () => {
    const clock = new ManualClock()
    const breakers = createBreakers({
      clock,
      log: silentLog,
      metrics: createMetrics(),
      failures: 3,
      resetMs: 1_000,
    })
    const { run: guard } = breakers.breaker('database', { isFailure: isOutage })
    const database = openDatabase({ kind: 'postgres', url: await open(), guard })
    const { db } = database
    const ask = () => sql`SELECT 1`.execute(db)
    const unavailable = { code: 'DEPENDENCY_UNAVAILABLE', retryable: true }
    // Wrong statements are answers.
    for (let n = 0; n < 5; n++) await expect(sql`SELEKT`.execute(db)).rejects.toThrow('SELEKT')
    const cut = db.transaction().execute(async trx => {
      await sql`CREATE TABLE a (b int)`.execute(trx)
      await postgres.stop('immediate')
      await sql`SELECT 1`.execute(trx)
    })
    await expect(cut).rejects.toMatchObject(unavailable)
    for (let n = 0; n < 3; n++) await expect(ask()).rejects.toMatchObject(unavailable)
    expect(breakers.states()).toMatchObject([{ name: 'database', state: 'open' }])
    await postgres.start()
    await expect(ask()).rejects.toThrow('keeps failing')
    clock.advance(1_000)
    expect((await ask()).rows).toHaveLength(1)
    await database.close()
  })
})
