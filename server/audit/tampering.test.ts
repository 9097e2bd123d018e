/** [T24] Whoever can write to the database changes, removes, adds: the first bad row is named. */
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing } from '../../e2e/support/needs.ts'
import { integerBetween, pick, seededRandom } from '../../shared/random.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { migratePostgres } from '../database/postgres-database.ts'
import { migrateSqliteFile } from '../database/sqlite-database.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { Postgres } from '../testing/postgres.ts'
import {
  chain,
  EMPTY_HEAD,
  hashOf,
  type AuditHead,
  type AuditRow,
  type TimedEvent,
} from './audit-row.ts'
import { AuditTable } from './audit-table.ts'
import { ChainCheck } from './chain-check.ts'
import { verifyTable } from './verify.ts'

const event = (n: number): TimedEvent => ({
  at: 1_700_000_000_000 + n,
  actor: `user-${n % 7}`,
  actorKind: 'user',
  action: n % 2 === 0 ? 'document.open' : 'grant.create',
  document: n % 5 === 0 ? null : `acme/${n % 13}`,
  capability: n % 3 === 0 ? null : 'read',
  decision: n % 4 === 0 ? 'deny' : 'allow',
  because: n % 6 === 0 ? null : 'editor of acme/** (token)',
  details: { n, text: 'ünïcödé \u0000 \ud800 "' },
})
const events = (count: number) => Array.from({ length: count }, (_, n) => event(n + 1))

const columns = {
  at: 'at',
  actor: 'actor',
  actorKind: 'actor_kind',
  action: 'action',
  document: 'document',
  capability: 'capability',
  decision: 'decision',
  because: 'because',
  address: 'address',
  tokenId: 'token_id',
  requestId: 'request_id',
  details: 'details',
  prevHash: 'prev_hash',
  hash: 'hash',
} as const
type Field = keyof typeof columns
const fields = Object.keys(columns) as Field[]

/** What an attacker makes of a value: something else of the same kind. */
const other = (value: string | number | null): string | number =>
  typeof value === 'number' ? value + 1 : `${value ?? ''}x`

const changed = (row: AuditRow, field: Field): AuditRow => ({ ...row, [field]: other(row[field]) })
/** With a hash that fits again. */
const forged = (row: AuditRow): AuditRow => ({ ...row, hash: hashOf(row.prevHash, row) })

function firstBad(rows: readonly AuditRow[], head: AuditHead, anchors: AuditHead[] = []) {
  const check = new ChainCheck(anchors)
  for (const row of rows) {
    const finding = check.row(row)
    if (finding !== undefined) return finding
  }
  return check.end(head)
}

describe('[T24] a chain of rows', () => {
  test('each column of each of 1,000 rows: changed, also together with the hash', () => {
    for (let part = 0; part < 50; part++) {
      const rows = chain(EMPTY_HEAD, events(20 * (part + 1)).slice(20 * part))
      const head = rows.at(-1) ?? EMPTY_HEAD
      expect(firstBad(rows, head)).toBeUndefined()
      for (const [index, row] of rows.entries()) {
        for (const field of fields) {
          const bad = rows.with(index, changed(row, field))
          expect(firstBad(bad, head), `${field} of ${row.seq}`).toMatchObject({ seq: row.seq })
          if (field === 'hash') continue
          const worse = rows.with(index, forged(changed(row, field)))
          expect(firstBad(worse, head), `${field} of ${row.seq}`).toMatchObject({ seq: row.seq })
        }
      }
    }
  })

  test('of nothing is sound, and an anchor says that there was something', () => {
    expect(firstBad([], EMPTY_HEAD)).toBeUndefined()
    const anchor = { seq: 3, at: 1, hash: 'x' }
    expect(firstBad([], EMPTY_HEAD, [anchor])).toMatchObject({ kind: 'missing', seq: 1 })
    expect(firstBad([], { ...EMPTY_HEAD, hash: 'x' })).toMatchObject({ seq: 0 })
  })
})

type Attack = readonly [
  title: string,
  statements: (count: number) => readonly string[],
  expected: (count: number) => { kind: string; seq: number; since?: number },
]

const pushUp = (from: number) => [
  `UPDATE audit SET seq = -seq WHERE seq >= ${from}`,
  `UPDATE audit SET seq = 1 - seq WHERE seq < 0`,
]
const swap = (a: number, b: number) => [
  `UPDATE audit SET seq = -1 WHERE seq = ${a}`,
  `UPDATE audit SET seq = ${a} WHERE seq = ${b}`,
  `UPDATE audit SET seq = ${b} WHERE seq = -1`,
]
const copyTo = (seq: number, from: number) =>
  `INSERT INTO audit SELECT ${seq}, at, actor, actor_kind, action, document, capability, decision,
    because, address, token_id, request_id, details, prev_hash, hash FROM audit WHERE seq = ${from}`
const setHead = (seq: number) => `UPDATE audit_head SET seq = ${seq},
  at = (SELECT at FROM audit WHERE seq = ${seq}), hash = (SELECT hash FROM audit WHERE seq = ${seq})`

const attacks: readonly Attack[] = [
  [
    'delete the first',
    () => ['DELETE FROM audit WHERE seq = 1'],
    () => ({ kind: 'missing', seq: 1 }),
  ],
  ['delete one', () => ['DELETE FROM audit WHERE seq = 37'], () => ({ kind: 'missing', seq: 37 })],
  [
    'delete the last',
    n => [`DELETE FROM audit WHERE seq = ${n}`],
    n => ({ kind: 'missing', seq: n }),
  ],
  [
    'delete one and close the gap',
    () => [
      'DELETE FROM audit WHERE seq = 37',
      'UPDATE audit SET seq = -seq WHERE seq > 37',
      'UPDATE audit SET seq = -seq - 1 WHERE seq < 0',
    ],
    () => ({ kind: 'changed', seq: 37 }),
  ],
  ['swap two', () => swap(20, 70), () => ({ kind: 'changed', seq: 20 })],
  ['swap neighbours', () => swap(20, 21), () => ({ kind: 'changed', seq: 20 })],
  ['put one between', () => [...pushUp(42), copyTo(42, 10)], () => ({ kind: 'changed', seq: 42 })],
  ['put one in front', () => [copyTo(0, 1)], () => ({ kind: 'extra', seq: 0 })],
  ['put one at the end', n => [copyTo(n + 1, n)], n => ({ kind: 'changed', seq: n + 1 })],
  [
    'cut the tail',
    n => [`DELETE FROM audit WHERE seq > ${n - 9}`],
    n => ({ kind: 'missing', seq: n - 8 }),
  ],
  [
    'cut the tail and set the head back',
    n => [`DELETE FROM audit WHERE seq > ${n - 9}`, setHead(n - 9)],
    n => ({ kind: 'missing', seq: n - 8 }),
  ],
  ['empty it', () => ['DELETE FROM audit'], () => ({ kind: 'missing', seq: 1 })],
  [
    'empty it and begin anew',
    () => [
      'DELETE FROM audit',
      `UPDATE audit_head SET seq = 0, at = 0, hash = '${EMPTY_HEAD.hash}'`,
    ],
    () => ({ kind: 'missing', seq: 1 }),
  ],
  ['set the head back', n => [setHead(n - 5)], n => ({ kind: 'extra', seq: n - 4 })],
  ['remove the head', () => ['DELETE FROM audit_head'], n => ({ kind: 'head', seq: n })],
  [
    'change the time of the head',
    () => ['UPDATE audit_head SET at = at + 1'],
    n => ({ kind: 'head', seq: n }),
  ],
]

function attacksOn(
  name: string,
  count: number,
  open: () => Promise<{ database: Database; remove: () => Promise<void> }>,
) {
  describe(`[T24] ${count} rows on ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let table: AuditTable
    let original: readonly AuditRow[]
    /** As they were written down on the way. */
    const anchors: AuditHead[] = []
    const run = async (statements: readonly string[]) => {
      for (const statement of statements) await sql.raw(statement).execute(opened.database.db)
    }
    const verify = () => verifyTable(table, { anchors, unreadable: [], unsigned: [] })
    const restore = () =>
      run([
        'DELETE FROM audit',
        'DELETE FROM audit_head',
        'INSERT INTO audit SELECT * FROM kept',
        'INSERT INTO audit_head SELECT * FROM kept_head',
      ])

    beforeAll(async () => {
      opened = await open()
      table = new AuditTable(opened.database)
      for (let n = 0; n < count; n += count / 10) {
        await table.append(events(n + count / 10).slice(n))
        const head = await table.head()
        if (head !== undefined) anchors.push(head)
      }
      await run([
        'CREATE TABLE kept AS SELECT * FROM audit',
        'CREATE TABLE kept_head AS SELECT * FROM audit_head',
      ])
      original = await table.page({ limit: count })
    })
    afterAll(() => opened.remove())

    test('are sound, and as they were written', async () => {
      expect(await verify()).toEqual({ ok: true, rows: count, anchors: 10, anchoredTo: count })
      expect(original).toEqual(chain(EMPTY_HEAD, events(count)))
    })

    test('each column of some rows', async () => {
      const seed = Date.now() % 100_000
      process.stdout.write(`seed ${seed}\n`)
      const random = seededRandom(seed)
      for (const field of fields) {
        for (const row of [original[0], pick(random, original), original.at(-1)]) {
          const value = other(row?.[field] ?? null)
          const shown = typeof value === 'number' ? value : `'${value.replaceAll("'", "''")}'`
          await run([`UPDATE audit SET ${columns[field]} = ${shown} WHERE seq = ${row?.seq}`])
          expect(await verify(), `${field} of ${row?.seq}`).toMatchObject({
            ok: false,
            finding: { kind: 'changed', seq: row?.seq },
          })
          await restore()
        }
        const at = integerBetween(random, 1, count)
        await run([`UPDATE audit SET seq = ${count + 10} WHERE seq = ${at}`])
        expect(await verify()).toMatchObject({ ok: false, finding: { kind: 'missing', seq: at } })
        await restore()
      }
      expect(await verify()).toMatchObject({ ok: true })
    })

    test.each(attacks)('%s', async (_title, statements, expected) => {
      await run(statements(count))
      expect(await verify()).toMatchObject({ ok: false, finding: expected(count) })
      await restore()
      expect(await verify()).toMatchObject({ ok: true })
    })

    test('a row put between others, with all that fits, is named', async () => {
      const [before] = original.slice(40, 41)
      const [forgery] = chain(before ?? EMPTY_HEAD, [event(999)])
      await run([...pushUp(42), copyTo(42, 1)])
      const { at, actor, document, details, prevHash, hash } = forgery as AuditRow
      await sql`UPDATE audit SET at = ${at}, actor = ${actor}, actor_kind = ${forgery?.actorKind},
        action = ${forgery?.action}, document = ${document}, capability = ${forgery?.capability},
        decision = ${forgery?.decision}, because = ${forgery?.because}, details = ${details},
        prev_hash = ${prevHash}, hash = ${hash} WHERE seq = 42`.execute(opened.database.db)
      expect(await verify()).toMatchObject({ ok: false, finding: { kind: 'extra', seq: 42 } })
      await restore()
    })

    test('the whole store set back to an older copy, and written on', async () => {
      const older = count * 0.6
      await run([`DELETE FROM audit WHERE seq > ${older}`, setHead(older)])
      expect(await verify()).toMatchObject({
        ok: false,
        finding: { kind: 'missing', seq: older + 1 },
      })
      await table.append(events(count).map(one => ({ ...one, actor: 'mallory' })))
      // No row has a fault of its own: the anchors say between which two rows history was changed.
      expect(await verify()).toMatchObject({
        ok: false,
        finding: { kind: 'anchor', since: older + 1, seq: older + count / 10 },
      })
      await restore()
    })
  })
}

attacksOn('SQLite', 1_000, async () => {
  const folder = temporaryFolder()
  const file = join(folder.path, 'weft.sqlite')
  await migrateSqliteFile(file)
  const database = openDatabase({ kind: 'sqlite', file })
  return { database, remove: () => database.close().then(() => folder.remove()) }
})

const noPostgres =
  missing('the audit log on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
if (!noPostgres) {
  attacksOn('Postgres', 100, async () => {
    const postgres = await Postgres.start({ fsync: 'off' })
    const url = await postgres.createDatabase()
    await migratePostgres(url)
    const database = openDatabase({ kind: 'postgres', url })
    return { database, remove: () => database.close().then(() => postgres.remove()) }
  })
}
