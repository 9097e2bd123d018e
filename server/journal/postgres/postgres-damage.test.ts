/** Damaged rows: everything is found, nothing is opened silently with other content. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { missing } from '../../../e2e/support/needs.ts'
import { documentName } from '../../../shared/names.ts'
import { integerBetween, pick, seededRandom } from '../../../shared/random.ts'
import { migratePostgres } from '../../database/postgres-database.ts'
import { Postgres } from '../../testing/postgres.ts'
import type { Damage, Journal } from '../journal.ts'
import { withPostgres } from './database.ts'
import { openPostgresJournal } from './postgres-journal.ts'
import { repairDocument } from './repair-document.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const isAbsent = missing('damage in Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const plan = documentName('acme/plan')
const born = { incarnation: 'life-1', by: 'alice', at: 1, afterDeletion: false }
const damagedBy = (message: string) => ({ code: 'DOCUMENT_DAMAGED', retryable: false, message })

describe.skipIf(isAbsent)('damaged rows', () => {
  let postgres: Postgres
  let url: string
  let journal: Journal
  let damage: Damage[]
  let doc: Y.Doc
  const tamper = (sql: string, values: unknown[] = []) => postgres.query(url, sql, values)
  const snapshot = (previousSeq: number, seq: number) =>
    journal.putSnapshot({
      name: plan,
      incarnation: 'life-1',
      previousSeq,
      snapshot: { seq, at: 5, state: Y.encodeStateAsUpdate(doc), owners: new Map([[1, 'bob']]) },
    })
  const type = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const before = Y.encodeStateVector(doc)
      doc.getText('t').insert(doc.getText('t').length, `${i % 10}`)
      const update = Y.encodeStateAsUpdate(doc, before)
      const entries = [{ author: 'alice', at: 10 + i, update }]
      await journal.append({ name: plan, incarnation: 'life-1', entries })
    }
  }

  beforeAll(async () => {
    postgres = await Postgres.start({ fsync: 'off' })
    url = await postgres.createDatabase()
    await migratePostgres(url)
  })
  afterAll(() => postgres.remove())
  beforeEach(async () => {
    await tamper('TRUNCATE documents, entries, snapshots')
    damage = []
    doc = new Y.Doc()
    journal = await openPostgresJournal({
      url,
      paceMs: 0,
      migrate: () => Promise.resolve(),
      onDamage: (_, one) => void damage.push(one),
    })
    await journal.open(plan, born)
    await type(20)
  })
  afterEach(() => journal.close())

  const flips: readonly [column: string, sql: string][] = [
    [
      'bytes',
      'bytes = set_bit(bytes, $2 % (8 * octet_length(bytes)), 1 - get_bit(bytes, $2 % (8 * octet_length(bytes))))',
    ],
    ['checksum', 'checksum = checksum # (1::bigint << ($2 % 32))'],
    ['at', 'at = at # (1::bigint << ($2 % 40))'],
    ['author', "author = CASE $2 % 2 WHEN 0 THEN 'alicf' ELSE 'elice' END"],
    ['hands_over', 'hands_over = 1 + 0 * $2'],
    ['seq', 'seq = seq + 100 + $2'],
  ]

  test(`[J10] a flipped bit anywhere in an entry keeps the document shut, SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    await tamper('CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM entries WITH NO DATA')
    for (let round = 0; round < 60; round++) {
      const [column, sql] = flips[round % flips.length] ?? pick(random, flips)
      const seq = integerBetween(random, 1, 20)
      const bit = integerBetween(random, 0, 1_000)
      await tamper('TRUNCATE kept')
      await tamper('INSERT INTO kept SELECT * FROM entries WHERE seq = $1', [seq])
      await tamper(`UPDATE entries SET ${sql} WHERE seq = $1`, [seq, bit])
      const opening = journal.open(plan)
      await expect(opening, `${column} of entry ${seq}, bit ${bit}`).rejects.toMatchObject({
        code: 'DOCUMENT_DAMAGED',
      })
      expect((await journal.inspect(plan))?.damage.length).toBeGreaterThan(0)
      await tamper('DELETE FROM entries WHERE seq = $1 OR seq > 20', [seq])
      await tamper('INSERT INTO entries SELECT * FROM kept')
    }
    expect((await journal.open(plan))?.tail).toHaveLength(20)
    expect((await journal.inspect(plan))?.damage).toEqual([])
  })

  test('[J10] a damaged entry names itself', async () => {
    await tamper(`UPDATE entries SET bytes = bytes || '\\x00' WHERE seq = 13`)
    const told = damagedBy('"acme/plan": entry 13 fails its checksum')
    await expect(journal.open(plan, born)).rejects.toMatchObject(told)
    await expect(journal.entries(plan, 0, 100)).rejects.toMatchObject(told)
    expect(await journal.entries(plan, 13, 100)).toHaveLength(7)
    expect(damage[0]).toMatchObject({ kind: 'entry', seq: 13 })
  })

  test('[J10] entries that are gone, in the middle and at the end, are missed', async () => {
    await tamper('DELETE FROM entries WHERE seq IN (4, 5)')
    const hole = 'entries 4 to 5 were acknowledged and are not in the store'
    await expect(journal.open(plan)).rejects.toMatchObject(damagedBy(`"acme/plan": ${hole}`))
    await tamper('DELETE FROM entries WHERE seq < 6 OR seq > 18')
    await tamper('UPDATE entries SET seq = seq - 5')
    expect((await journal.inspect(plan))?.damage.at(-1)).toMatchObject({
      kind: 'missing',
      upToSeq: 20,
    })
  })

  test('[J10] the last entries are gone: the document’s row knows of them', async () => {
    await tamper('DELETE FROM entries WHERE seq > 18')
    const lost = 'entries 19 to 20 were acknowledged and are not in the store'
    await expect(journal.open(plan)).rejects.toMatchObject(damagedBy(`"acme/plan": ${lost}`))
    expect((await journal.inspect(plan))?.damage).toMatchObject([{ kind: 'missing', seq: 19 }])
  })

  test('[J11] a damaged snapshot is set aside; the one before it, then the entries, serve', async () => {
    expect(await snapshot(0, 20)).toBe('put')
    await type(5)
    expect(await snapshot(20, 25)).toBe('put')
    const whole = await journal.open(plan)
    expect(whole).toMatchObject({ snapshot: { seq: 25 }, tail: [] })
    await tamper(
      `UPDATE snapshots SET bytes = set_bit(bytes, 9, 1 - get_bit(bytes, 9)) WHERE seq = 25`,
    )
    const second = await journal.open(plan)
    expect(second).toMatchObject({ snapshot: { seq: 20 }, head: { seq: 25 } })
    expect(second?.tail).toHaveLength(5)
    await tamper(`UPDATE snapshots SET owners = replace(owners, 'bob', 'eve') WHERE seq = 20`)
    const third = await journal.open(plan)
    expect(third).toMatchObject({ snapshot: null, head: { seq: 25 } })
    expect(third?.tail).toHaveLength(25)
    expect(damage).toMatchObject([
      { kind: 'snapshot', seq: 25 },
      { kind: 'snapshot', seq: 20 },
    ])
    expect((await journal.inspect(plan))?.snapshots.map(one => one.quarantined)).toEqual([
      true,
      true,
    ])
    // Evidence stays where it is, and a new one has its own place.
    expect(await snapshot(0, 25)).toBe('stale')
    await type(1)
    expect(await snapshot(0, 26)).toBe('put')
  })

  test('[J10] a repair opens it from what is whole, above all that was ever stored', async () => {
    await tamper(`UPDATE entries SET bytes = bytes || '\\x00' WHERE seq = 20`)
    await expect(journal.open(plan)).rejects.toMatchObject({ code: 'DOCUMENT_DAMAGED' })
    const report = await withPostgres(url, database => repairDocument(database, plan, 99))
    expect(report).toMatchObject({ seq: 21, lost: 0, damage: ['entry 20 fails its checksum'] })
    const opened = await journal.open(plan)
    expect(opened).toMatchObject({ head: { seq: 21 }, snapshot: { seq: 21 }, tail: [] })
    expect(await journal.inspect(plan)).toMatchObject({
      damage: [],
      bypassed: [{ kind: 'entry', seq: 20 }],
    })
    const read = new Y.Doc()
    Y.applyUpdate(read, opened!.snapshot!.state)
    expect(read.getText('t').toString()).toBe('0123456789012345678')
    const update = new Uint8Array([0, 0])
    const entries = [{ author: 'alice', at: 1, update }]
    expect(await journal.append({ name: plan, incarnation: 'life-1', entries })).toEqual({
      seq: 22,
    })
    // The repair's own number is in nobody's way; a hole after it keeps the document shut.
    expect((await journal.inspect(plan))?.damage).toEqual([])
    await tamper('UPDATE entries SET seq = 23 WHERE seq = 22')
    expect((await journal.inspect(plan))?.damage).toMatchObject([
      { kind: 'entry', seq: 23 },
      { kind: 'missing', seq: 21, upToSeq: 22 },
    ])
  })
})
