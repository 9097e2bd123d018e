/** The schema goes up, down and up again on both databases, and many may ask at once. */
import { join } from 'node:path'
import { sql, type Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../e2e/support/needs.ts'
import { postgresDialect, sqliteDialect, type Dialect } from '../../migrations/dialect.ts'
import { migrations } from '../../migrations/index.ts'
import { lockDataDir } from '../journal/sqlite/sqlite-files.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { Postgres } from '../testing/postgres.ts'
import { runWeft as weft } from '../testing/run-weft.ts'
import { migrateDown, migrateUp, migrationStatus } from './migrate.ts'
import { openPostgres } from './postgres-database.ts'
import { openSqlite } from './sqlite-database.ts'

const names = migrations.map(({ name }) => name)
const noPostgres = missing('migrations of Postgres', { binaries: ['initdb', 'postgres'] }) !== null

let postgres: Postgres
beforeAll(async () => {
  if (!noPostgres) postgres = await Postgres.start({ fsync: 'off' })
})
afterAll(async () => {
  if (!noPostgres) await postgres.remove()
})

type Opened = { readonly db: Kysely<unknown>; readonly close: () => Promise<void> }

const databases: readonly [string, Dialect, boolean, () => Promise<Opened>][] = [
  [
    'sqlite',
    sqliteDialect,
    false,
    () => {
      const folder = temporaryFolder()
      const db = openSqlite(join(folder.path, 'weft.sqlite'))
      return Promise.resolve({ db, close: () => db.destroy().then(() => folder.remove()) })
    },
  ],
  [
    'postgres',
    postgresDialect,
    noPostgres,
    async () => {
      const db = openPostgres(await postgres.createDatabase())
      return { db, close: () => db.destroy() }
    },
  ],
]

describe.each(databases)('the schema on %s', (_name, dialect, isAbsent, open) => {
  const ranNames = async (db: Kysely<unknown>) =>
    (await migrationStatus(db, dialect)).filter(({ ranAt }) => ranAt !== null).map(one => one.name)

  test.skipIf(isAbsent)('goes up, down step by step, and up again', async () => {
    const { db, close } = await open()
    expect(await migrateUp(db, dialect)).toEqual(names)
    expect(await migrateUp(db, dialect)).toEqual([])
    for (const left of names.map((_, i) => names.slice(0, -1 - i))) {
      await migrateDown(db, dialect)
      expect(await ranNames(db)).toEqual(left)
    }
    const tables = (await db.introspection.getTables()).map(({ name }) => name)
    expect(tables.filter(name => !name.startsWith('weft_migrations'))).toEqual([])
    expect(await migrateUp(db, dialect)).toEqual(names)
    await close()
  })

  test.skipIf(isAbsent)('keeps what is stored through every step but the first', async () => {
    const { db, close } = await open()
    await migrateUp(db, dialect)
    await sql`INSERT INTO documents (name, incarnation, created_at, created_by)
      VALUES ('a', 'life', 1, 'alice'), ('empty', 'other', 1, 'alice')`.execute(db)
    await sql`INSERT INTO entries (document_id, seq, at, author, bytes, checksum)
      SELECT id, 1, 1, 'alice', 'x', 1 FROM documents WHERE name = 'a'`.execute(db)
    for (let step = names.length; step > 1; step--) await migrateDown(db, dialect)
    await migrateUp(db, dialect)
    const { rows } = await sql`SELECT name, seq, hands_over FROM documents
      LEFT JOIN entries ON document_id = id ORDER BY name`.execute(db)
    const [first, second] = rows as Record<string, unknown>[]
    expect([Number(first?.['seq']), Number(first?.['hands_over'])]).toEqual([1, 0])
    expect(second).toMatchObject({ name: 'empty', seq: null })
    if (dialect.name === 'postgres') {
      const heads = await sql`SELECT head_seq FROM documents ORDER BY name`.execute(db)
      expect(heads.rows).toEqual([{ head_seq: '1' }, { head_seq: '0' }])
    }
    await close()
  })

  test.skipIf(isAbsent)('of a newer version is refused with a sentence', async () => {
    const { db, close } = await open()
    await migrateUp(db, dialect)
    await sql`INSERT INTO weft_migrations (name, timestamp) VALUES ('999-later', '2026-01-01T00:00:00.000Z')`.execute(
      db,
    )
    const refused = expect(migrateUp(db, dialect)).rejects
    await refused.toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(/newer weft.*"999-later"/) as unknown,
    })
    await close()
  })
})

describe('weft migrate', () => {
  test.skipIf(noPostgres)('two processes at once: one does it, and both are served', async () => {
    const settings = { WEFT_DATABASE_URL: await postgres.createDatabase() }
    const both = await Promise.all([1, 2].map(() => weft(settings, 'migrate', 'up')))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const told = both.map(({ out }) => out.trim()).toSorted()
    expect(told).toEqual(['nothing to do', names.map(name => `ran ${name}`).join('\n')])
    expect((await weft(settings, 'migrate', 'status')).out).not.toContain('to run')
    expect(await weft(settings, 'migrate', 'down')).toMatchObject({ code: 64 })
    const down = await weft(settings, 'migrate', 'down', '--yes')
    expect(down).toMatchObject({ code: 0, out: `took back ${names.at(-1)}\n` })
    const { out } = await weft(settings, 'migrate', 'status')
    expect(out.match(/^.*to run$/gm)).toHaveLength(1)
  })

  test('on SQLite, and not beside a server', async () => {
    const folder = temporaryFolder()
    const settings = { WEFT_DATA_DIR: folder.path }
    expect((await weft(settings, 'migrate', 'status')).out.match(/to run/g)).toHaveLength(
      names.length,
    )
    expect(await weft(settings, 'migrate', 'up')).toMatchObject({ code: 0 })
    expect((await weft(settings, 'migrate', 'status')).out).not.toContain('to run')
    const unlock = lockDataDir(folder.path)
    const refused = await weft(settings, 'migrate', 'down', '--yes')
    expect(refused).toMatchObject({ code: 69 })
    expect(refused.err).toContain('another weft is running')
    unlock()
    folder.remove()
  })

  test('a database that is not there, and a wrong address: a sentence without the password', async () => {
    const secret = 'hunter2'
    const away = { WEFT_DATABASE_URL: `postgres://weft:${secret}@127.0.0.1:1/weft` }
    for (const command of [['migrate', 'up'], ['inspect', 'a'], ['serve']]) {
      const told = await weft({ ...away, WEFT_PORT: '0' }, ...command)
      expect(told.code).toBe(69)
      expect(told.err).toMatch(/^weft: .*ECONNREFUSED/)
      expect(told.out + told.err).not.toContain(secret)
    }
    const wrong = await weft({ WEFT_DATABASE_URL: `mysql://weft:${secret}@a/b` }, 'migrate', 'up')
    expect(wrong).toMatchObject({ code: 78 })
    expect(wrong.err).toContain('WEFT_DATABASE_URL: must be postgres://')
    expect(wrong.out + wrong.err).not.toContain(secret)
  })
})
