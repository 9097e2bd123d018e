/** Bad days of the database: it ends, hangs, comes back, and takes an entry without saying so. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../../../e2e/support/needs.ts'
import { documentName } from '../../../shared/names.ts'
import { migratePostgres } from '../../database/postgres-database.ts'
import { startAnswerThief } from '../../testing/answer-thief.ts'
import { Postgres } from '../../testing/postgres.ts'
import { until } from '../../testing/until.ts'
import type { Journal, NewEntry } from '../journal.ts'
import { openPostgresJournal, type PostgresJournalOptions } from './postgres-journal.ts'

const isAbsent = missing('outages of Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const plan = documentName('acme/plan')
const born = { incarnation: 'life-1', by: 'alice', at: 1000, afterDeletion: false }
const unavailable = { code: 'JOURNAL_UNAVAILABLE', retryable: true }

describe.skipIf(isAbsent)('[J19] when Postgres has a bad day', () => {
  let postgres: Postgres
  let url: string
  let journal: Journal
  const opened: Journal[] = []
  const open = async (options: Partial<PostgresJournalOptions> = {}) => {
    const migrate = () => Promise.resolve()
    const one = await openPostgresJournal({ url, migrate, timeoutMs: 700, ...options })
    opened.push(one)
    return one
  }
  const append = (text: string, extra: Partial<NewEntry> = {}, to = journal) => {
    const update = new TextEncoder().encode(text)
    const entries = [{ author: 'alice', at: 1, update, ...extra }]
    return to.append({ name: plan, incarnation: 'life-1', entries })
  }
  const texts = async () =>
    (await journal.open(plan))?.tail.map(({ update }) => new TextDecoder().decode(update))

  beforeAll(async () => {
    // With its syncs: what was acknowledged has to outlive a crash.
    postgres = await Postgres.start()
  })
  afterAll(() => postgres.remove())
  beforeEach(async () => {
    url = await postgres.createDatabase()
    await migratePostgres(url)
    journal = await open()
    await journal.open(plan, born)
    await append('before')
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(one => one.close()))
  })

  test('it crashes and comes back: told, then as before, and nothing acknowledged is lost', async () => {
    await postgres.stop('immediate')
    await expect(append('during')).rejects.toMatchObject(unavailable)
    await expect(journal.open(plan)).rejects.toMatchObject(unavailable)
    await expect(journal.positions([plan])).rejects.toMatchObject(unavailable)
    expect(journal.health().state).toMatchObject({ kind: 'failing' })
    await postgres.start()
    // Nobody asks: it finds out by itself.
    await until(() => journal.health().state.kind === 'ok', 'well again')
    expect(await append('after')).toEqual({ seq: 2 })
    expect(await texts()).toEqual(['before', 'after'])
  })

  test('it dies between two answers, again and again: what was acknowledged is there', async () => {
    const acknowledged: string[] = []
    let isOver = false
    const write = async () => {
      for (let i = 0; !isOver; i++) {
        await append(`${i}`).then(
          () => void acknowledged.push(`${i}`),
          () => {},
        )
      }
    }
    const writing = write()
    for (let round = 0; round < 3; round++) {
      const enough = acknowledged.length + 20
      await until(() => acknowledged.length >= enough, 'some entries')
      await postgres.restart('immediate')
    }
    isOver = true
    await writing
    expect(await texts()).toEqual(expect.arrayContaining(acknowledged))
  })

  test('it hangs: given up in time, its connections are dropped, and it goes on', async () => {
    postgres.hold('SIGSTOP')
    const startedAt = performance.now()
    const outcomes = await Promise.allSettled([append('a'), journal.open(plan), journal.head(plan)])
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(outcomes).toMatchObject([
      { reason: unavailable },
      { reason: unavailable },
      { reason: unavailable },
    ])
    postgres.hold('SIGCONT')
    await until(() => journal.health().state.kind === 'ok', 'well again')
    // What hung was carried out all the same, or not: the caller tries again, and that is harmless.
    await append('b')
    expect((await texts())?.at(-1)).toBe('b')
  })

  test('it hangs while we end: that takes its limit, and no longer', async () => {
    const patient = await open({ timeoutMs: 6_000 })
    await patient.open(plan)
    postgres.hold('SIGSTOP')
    const reading = patient.open(plan).catch((error: unknown) => error)
    // Out on its connection, and not in the queue of a pool that closes.
    await new Promise(setImmediate)
    const startedAt = performance.now()
    await patient.close()
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    postgres.hold('SIGCONT')
    expect(await reading).toMatchObject({ head: { seq: 1 } })
  })

  test('somebody sits on the document’s row: given up on both sides', async () => {
    const values = [plan]
    const holder = postgres
      .query(
        url,
        `WITH held AS MATERIALIZED (SELECT id FROM documents WHERE name = $1 FOR UPDATE)
         SELECT pg_sleep(1.5) FROM held`,
        values,
      )
      .catch(() => {})
    const waiting = `SELECT FROM pg_stat_activity WHERE query LIKE 'WITH held%'`
    await until(async () => (await postgres.query(url, waiting)).length > 0, 'held')
    await expect(append('a')).rejects.toMatchObject(unavailable)
    await holder
    expect(await append('b')).toEqual({ seq: 2 })
    expect(await texts()).toEqual(['before', 'b'])
  })

  test('the answer to a commit is lost: told to try again, and the entries tell what is there', async () => {
    const thief = await startAnswerThief(postgres.port)
    const unlucky = await open({ url: thief.url(url) })
    const request = { key: 'k', digest: 'd' }
    thief.stealNext('weft_append')
    await expect(append('once', { request }, unlucky)).rejects.toMatchObject(unavailable)
    expect(thief.stolen).toBe(1)
    expect(await unlucky.entries(plan, 1, 10)).toMatchObject([{ seq: 2 }])
    const repeated = { code: 'REQUEST_REPEATED' }
    await expect(append('once', { request }, unlucky)).rejects.toMatchObject(repeated)
    expect(await append('next', {}, unlucky)).toEqual({ seq: 3 })
    expect(await texts()).toEqual(['before', 'once', 'next'])
    await unlucky.close()
    await thief.close()
  })

  test('every connection is cut, idle or not: the next ones are new', async () => {
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'weft' AND pid <> pg_backend_pid()`
    for (let round = 0; round < 10; round++) {
      const writing = append(`${round}`).catch(() => undefined)
      await postgres.query(url, cut)
      await writing
    }
    await append('end')
    expect((await texts())?.at(-1)).toBe('end')
  })

  test('it is full of connections: told to try again', async () => {
    const role = `ALTER DATABASE ${new URL(url).pathname.slice(1)} CONNECTION LIMIT 0`
    await postgres.query(url, 'CREATE ROLE guest LOGIN')
    await postgres.query(postgres.url(), role)
    const guest = new URL(url)
    guest.username = 'guest'
    const late = await open({ url: guest.href })
    await expect(late.open(plan)).rejects.toMatchObject(unavailable)
  })

  test('a wrong password is in no sentence', async () => {
    const secret = new URL(url)
    secret.password = 'hunter2'
    secret.port = '1'
    const away = await open({ url: secret.href })
    const told = await away.open(plan).catch((error: unknown) => error)
    expect(told).toMatchObject(unavailable)
    expect(JSON.stringify(told, Object.getOwnPropertyNames(told))).not.toContain('hunter2')
    await expect(migratePostgres(secret.href)).rejects.toThrow(
      /127\.0\.0\.1:1\/weft_\d+ cannot be used/,
    )
    await expect(migratePostgres(secret.href)).rejects.not.toThrow(/hunter2/)
  })
})
