import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../../../e2e/support/needs.ts'
import { migrations } from '../../../migrations/index.ts'
import { documentName } from '../../../shared/names.ts'
import { integerBetween, pick, seededRandom } from '../../../shared/random.ts'
import { migratePostgres } from '../../database/postgres-database.ts'
import { startPgBouncer, type PgBouncer } from '../../testing/pgbouncer.ts'
import { Postgres } from '../../testing/postgres.ts'
import { until } from '../../testing/until.ts'
import { journalContract } from '../journal.contract.ts'
import type { Journal, NewEntry } from '../journal.ts'
import { openPostgresJournal, type PostgresJournalOptions } from './postgres-journal.ts'
import { PUT_SNAPSHOT } from './statements.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const isAbsent = missing('the journal on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const [plan, other] = [documentName('acme/plan'), documentName('acme/other')] as const
const born = { incarnation: 'life-1', by: 'alice', at: 1000, afterDeletion: false }
const entry = (text: string): NewEntry => ({
  author: 'alice',
  at: 2000,
  update: new TextEncoder().encode(text),
})

const DEADLOCKS = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'

describe.skipIf(isAbsent)('on a real Postgres', () => {
  let postgres: Postgres
  let url: string
  beforeAll(async () => {
    postgres = await Postgres.start({ fsync: 'off' })
    url = await postgres.createDatabase()
    await migratePostgres(url)
  })
  afterAll(() => postgres.remove())

  const open = (options: Partial<PostgresJournalOptions> = {}) =>
    openPostgresJournal({ url, migrate: () => Promise.resolve(), paceMs: 0, ...options })
  const empty = () => postgres.query(url, 'TRUNCATE documents, entries, snapshots')

  const harnessOf = (options: () => Partial<PostgresJournalOptions>) => async () => {
    await empty()
    let journal = await open(options())
    return {
      journal,
      reopen: async () => {
        await journal.close()
        journal = await open(options())
        return journal
      },
      close: () => journal.close(),
    }
  }

  journalContract(
    'postgres',
    harnessOf(() => ({})),
  )

  const noPooler = missing('Postgres behind a pooler', { binaries: ['pgbouncer'] }) !== null
  describe.skipIf(noPooler)('[J18] nothing is kept in a connection', () => {
    let pooler: PgBouncer
    beforeAll(async () => {
      pooler = await startPgBouncer(postgres)
    })
    afterAll(() => pooler.stop())
    journalContract(
      'postgres behind a pooler in transaction mode',
      harnessOf(() => ({ url: pooler.url(url) })),
    )

    test('servers that start behind it bring the schema up one after the other', async () => {
      const direct = await postgres.createDatabase()
      const servers = Array.from({ length: 4 }, () => migratePostgres(pooler.url(direct)))
      const ran = await Promise.all(servers)
      expect(ran.filter(names => names.length > 0)).toEqual([migrations.map(({ name }) => name)])
    })
  })

  describe('two servers', () => {
    let [one, two]: Journal[] = []
    let queries: string[]
    beforeEach(async () => {
      await empty()
      queries = []
      const guard = async <T>(action: () => Promise<T>) => {
        queries.push('query')
        return action()
      }
      ;[one, two] = [await open({ guard }), await open()]
    })
    afterEach(async () => {
      await Promise.all([one!.close(), two!.close()])
    })

    test('[J6] that create a document at once get the same one', async () => {
      for (let round = 0; round < 20; round++) {
        const name = documentName(`doc-${round}`)
        const seeds = ['one', 'two'].map(text => new TextEncoder().encode(text))
        const made = await Promise.all([
          one!.open(name, { ...born, incarnation: `one-${round}`, seed: seeds[0]! }),
          two!.open(name, { ...born, incarnation: `two-${round}`, seed: seeds[1]! }),
        ])
        expect(made[0]).toEqual(made[1])
        expect(made[0]?.tail).toHaveLength(1)
      }
    })

    test('[J7] an opening that is overtaken by creation and deletion makes nothing', async () => {
      // The database is asked whether the name is free, and then somebody comes in between.
      await two!.open(plan, { ...born, incarnation: 'first' })
      await two!.remove(plan, 'bob', 1)
      const values = [1000, plan, 'late', 1, 'alice', 0, false, null, null]
      const sql = 'SELECT weft_create($1, $2, $3, $4, $5, $6, $7, $8, $9) AS created'
      expect(await postgres.query(url, sql, values)).toEqual([{ created: false }])
      await expect(one!.open(plan, born)).rejects.toMatchObject({ code: 'DOCUMENT_DELETED' })
    })

    test(`[J2] that write to the same documents: no deadlock, no gap, SEED=${seed}`, async () => {
      const random = seededRandom(seed)
      const names = Array.from({ length: 8 }, (_, i) => documentName(`doc-${i}`))
      for (const name of names) await one!.open(name, { ...born, incarnation: name })
      const wanted = new Map(names.map(name => [name, [] as string[]]))
      const answers: Promise<unknown>[] = []
      for (let i = 0; i < 600; i++) {
        const name = pick(random, names)
        const marks = Array.from({ length: integerBetween(random, 1, 3) }, (_, k) => `${i}.${k}`)
        wanted.get(name)?.push(...marks)
        const append = { name, incarnation: name, entries: marks.map(entry) }
        answers.push(pick(random, [one!, two!]).append(append))
        if (i % 7 === 0) await Promise.resolve()
        if (i % 50 === 0) await answers.at(-1)
      }
      await Promise.all(answers)
      const [seen] = await postgres.query(url, DEADLOCKS)
      expect(seen).toEqual({ deadlocks: '0' })
      const decode = ({ update }: NewEntry) => new TextDecoder().decode(update)
      for (const name of names) {
        const stored = await one!.open(name)
        expect(stored?.tail.map(decode).toSorted()).toEqual(wanted.get(name)?.toSorted())
        expect(stored?.head.seq).toBe(wanted.get(name)?.length)
      }
    })

    test('[J17] that both must follow the same entry: one does', async () => {
      await one!.open(plan, born)
      for (let round = 0; round < 20; round++) {
        const append = {
          name: plan,
          incarnation: 'life-1',
          entries: [entry(`${round}`)],
          afterSeq: round,
          schema: { from: round, to: round + 1 },
        }
        const outcomes = await Promise.allSettled([one!.append(append), two!.append(append)])
        expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      }
      expect(await two!.positions([plan])).toMatchObject([{ seq: 20, schema: 20 }])
    })

    test('[J14] that are sent the same request: it is carried out once', async () => {
      await one!.open(plan, born)
      for (let round = 0; round < 20; round++) {
        const request = { key: `k${round}`, digest: 'd' }
        const entries = [{ ...entry('a'), request }]
        const append = { name: plan, incarnation: 'life-1', entries }
        const outcomes = await Promise.allSettled([one!.append(append), two!.append(append)])
        const refused = outcomes.filter(({ status }) => status === 'rejected')
        expect(refused).toMatchObject([{ reason: { code: 'REQUEST_REPEATED' } }])
      }
    })

    test('[J8] that put a snapshot at once: one does', async () => {
      await one!.open(plan, born)
      const entries = [entry('a'), entry('b')]
      await one!.append({ name: plan, incarnation: 'life-1', entries })
      const rival = new Client({ connectionString: url })
      await rival.connect()
      await rival.query('BEGIN')
      const values = [1000, plan, 'life-1', 0, 1, 1, Buffer.from([0, 0]), null, 0, 2]
      await rival.query(PUT_SNAPSHOT, values)
      const snapshot = { seq: 2, at: 1, state: Uint8Array.of(0, 0) }
      const put = one!.putSnapshot({ name: plan, incarnation: 'life-1', previousSeq: 0, snapshot })
      const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`
      const waits = async () => (await postgres.query(url, waiting)).length > 0
      await Promise.race([until(waits, 'it waits for the rival'), put])
      await rival.query('COMMIT')
      await rival.end()
      expect(await put).toBe('stale')
    })

    test('[J5] a commit is one statement, however many documents it is of', async () => {
      const names = Array.from({ length: 100 }, (_, i) => documentName(`doc-${i}`))
      for (const name of names) await one!.open(name, { ...born, incarnation: name })
      queries = []
      const appends = names.flatMap(name =>
        ['a', 'b', 'c'].map(text => ({ name, incarnation: name, entries: [entry(text)] })),
      )
      await Promise.all(appends.map(append => one!.append(append)))
      expect(queries).toHaveLength(1)
      expect(await one!.positions(names.slice(0, 2))).toMatchObject([{ seq: 3 }, { seq: 3 }])
    })

    test('[J3] what the database cannot take hurts nobody else in its commit', async () => {
      await one!.open(plan, born)
      await one!.open(other, { ...born, incarnation: 'life-2' })
      const request = { key: 'same', digest: 'd' }
      const twice = [
        { ...entry('a'), request },
        { ...entry('b'), request },
      ]
      const outcomes = await Promise.allSettled([
        one!.append({ name: plan, incarnation: 'life-1', entries: [entry('before')] }),
        one!.append({ name: plan, incarnation: 'life-1', entries: twice }),
        one!.append({ name: plan, incarnation: 'life-1', entries: [entry('after')] }),
        one!.append({ name: other, incarnation: 'life-2', entries: [entry('other')] }),
      ])
      expect(outcomes).toMatchObject([
        { value: { seq: 1 } },
        { status: 'rejected' },
        { value: { seq: 2 } },
        { value: { seq: 1 } },
      ])
      expect(one!.health().state).toEqual({ kind: 'ok' })
    })

    test('a principal whose name Postgres cannot write is stored under a similar one', async () => {
      await one!.open(plan, { ...born, by: 'a\0' })
      const odd = { ...entry('a'), author: 'mallory\0\ud800' }
      await one!.append({ name: plan, incarnation: 'life-1', entries: [odd] })
      expect((await two!.open(plan))?.tail).toMatchObject([{ author: 'mallory\ufffd\ufffd' }])
    })
  })

  test('[J1] a commit is durable where the database is set to say so too early', async () => {
    const hasty = await postgres.createDatabase()
    await migratePostgres(hasty)
    const name = new URL(hasty).pathname.slice(1)
    await postgres.query(hasty, `ALTER DATABASE ${name} SET synchronous_commit = off`)
    // In the transaction in which the settings are made, and nowhere after it.
    const [inside] = await postgres.query(
      hasty,
      `SELECT current_setting('synchronous_commit') AS before, weft_durably(1000)::text,
        (SELECT setting FROM pg_settings WHERE name = 'synchronous_commit') AS during`,
    )
    expect(inside).toMatchObject({ before: 'off', during: 'on' })
    const [outside] = await postgres.query(hasty, 'SHOW synchronous_commit')
    expect(outside).toEqual({ synchronous_commit: 'off' })
  })
})
