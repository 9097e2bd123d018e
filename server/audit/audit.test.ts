/** The audit log on both databases: with its change or not at all, one chain of all nodes, anchors. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../../e2e/support/needs.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { migratePostgres } from '../database/postgres-database.ts'
import { migrateSqliteFile } from '../database/sqlite-database.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { Postgres } from '../testing/postgres.ts'
import { AnchorFile } from './anchor-file.ts'
import { Audit } from './audit.ts'
import type { AuditEvent } from './audit-row.ts'

const event = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  actor: 'alice',
  actorKind: 'user',
  action: 'grant.create',
  decision: 'allow',
  ...more,
})

const noPostgres =
  missing('the audit log on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
let postgres: Postgres
beforeAll(async () => {
  if (!noPostgres) postgres = await Postgres.start({ fsync: 'off' })
})
afterAll(async () => {
  if (!noPostgres) await postgres.remove()
})

const stores: readonly [string, boolean, (folder: string) => Promise<() => Database>][] = [
  [
    'SQLite',
    false,
    async folder => {
      const file = join(folder, 'weft.sqlite')
      await migrateSqliteFile(file)
      return () => openDatabase({ kind: 'sqlite', file })
    },
  ],
  [
    'Postgres',
    noPostgres,
    async () => {
      const url = await postgres.createDatabase()
      await migratePostgres(url)
      return () => openDatabase({ kind: 'postgres', url })
    },
  ],
]

describe.each(stores)('the audit log on %s', (_name, isAbsent, prepare) => {
  if (isAbsent) return
  const never = new AbortController().signal
  let folder: ReturnType<typeof temporaryFolder>
  let open: () => Database
  let database: Database
  let clock: ManualClock
  let metrics: ReturnType<typeof createMetrics>
  let audit: Audit
  const file = () => join(folder.path, 'anchors', 'audit.ndjson')
  const lines = () => readFileSync(file(), 'utf8').trim().split('\n')
  const start = (on = database, secret?: string) => {
    const anchors = new AnchorFile({ file: file(), secret })
    return new Audit({ database: on, anchors, clock, log: silentLog, metrics })
  }
  const write = (one: Audit, more: Partial<AuditEvent> = {}, on = database) =>
    on.db.transaction().execute(trx => one.write(trx, [event(more)]))
  const mismatches = async () => (await metrics.auditMismatches.get()).values[0]?.value ?? 0

  beforeEach(async () => {
    folder = temporaryFolder()
    open = await prepare(folder.path)
    database = open()
    clock = new ManualClock()
    metrics = createMetrics()
    audit = start()
  })
  afterEach(async () => {
    await audit.close(never)
    await database.close()
    folder.remove()
  })

  test('[AU1] a row is there with its change, or neither is', async () => {
    await write(audit, { details: { id: 1 } })
    const failing = database.db.transaction().execute(async trx => {
      await audit.write(trx, [event({ actor: 'mallory' })])
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    await write(audit, { actor: 'bob', document: 'a\u0000\ud800', because: 'x'.repeat(2_000) })
    const rows = await audit.query({ limit: 10 })
    expect(rows.map(({ seq, actor }) => [seq, actor])).toEqual([
      [1, 'alice'],
      [2, 'bob'],
    ])
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 2 })
  })

  test('[AU2] two nodes that append at once make one chain without a gap', async () => {
    const other = open()
    const second = start(other)
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        n % 2 === 0 ? write(audit) : write(second, { actor: 'bob' }, other),
      ),
    )
    for (let n = 0; n < 30; n++) {
      audit.note(event({ action: 'document.open' }))
      second.note(event({ action: 'document.open', actor: 'bob' }))
    }
    await Promise.all([audit.close(never), second.close(never)])
    await other.close()
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 100 })
    const bobs = await audit.query({ actor: 'bob', limit: 1_000 })
    expect(bobs).toHaveLength(50)
  })

  test('is asked by who, what, where, when, page by page', async () => {
    for (let n = 0; n < 12; n++) {
      clock.advance(1_000)
      await write(audit, {
        actor: n % 2 === 0 ? 'alice' : 'bob',
        action: n % 3 === 0 ? 'document.open' : 'grant.create',
        document: n < 6 ? 'a' : null,
        decision: n % 4 === 0 ? 'deny' : 'allow',
      })
    }
    const start = clock.now() - 11_000
    const seqs = async (query: Partial<Parameters<Audit['query']>[0]>) =>
      (await audit.query({ limit: 100, ...query })).map(({ seq }) => seq)
    expect(await seqs({ actor: 'bob' })).toEqual([2, 4, 6, 8, 10, 12])
    expect(await seqs({ actor: 'bob', after: 4, limit: 2 })).toEqual([6, 8])
    expect(await seqs({ action: 'document.open' })).toEqual([1, 4, 7, 10])
    expect(await seqs({ document: 'a', decision: 'deny' })).toEqual([1, 5])
    expect(await seqs({ from: start + 2_000, to: start + 4_000 })).toEqual([3, 4])
    const text = (await Array.fromAsync(audit.export({ actor: 'alice' }))).join('')
    const exported = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { seq: number })
    expect(exported).toEqual(await audit.query({ actor: 'alice', limit: 100 }))
  })

  test('[AU8] its end is written down each minute when it moved, and when the server stops', async () => {
    await audit.anchor()
    clock.advance(60_000)
    await audit.anchor()
    expect(() => lines()).toThrow('ENOENT')
    await write(audit)
    clock.advance(60_000)
    await audit.anchor()
    clock.advance(60_000)
    await audit.anchor()
    expect(lines()).toHaveLength(1)
    await write(audit)
    await audit.close(never)
    expect(lines()).toHaveLength(2)
    // The next start goes on after what a crash tore.
    appendFileSync(file(), '{"seq":3,"ha')
    const next = start()
    await write(next)
    await next.close(never)
    expect(lines()).toHaveLength(4)
    expect(await next.verify()).toEqual({ ok: true, rows: 3, anchors: 3, anchoredTo: 3 })
    expect(await mismatches()).toBe(0)
  })

  test('[AU8] a log that was cut or set back is noticed by the running server, and goes on being evidence', async () => {
    await write(audit)
    await write(audit)
    await audit.anchor()
    await sql`DELETE FROM audit WHERE seq = 2`.execute(database.db)
    await sql`UPDATE audit_head SET seq = 1, at = (SELECT at FROM audit), hash = (SELECT hash FROM audit)`.execute(
      database.db,
    )
    await write(audit, { actor: 'mallory' })
    await audit.anchor()
    expect(await mismatches()).toBe(1)
    expect(await audit.verify()).toMatchObject({ ok: false, finding: { kind: 'anchor', seq: 2 } })
  })

  test('[AU9] a line of the anchors that the secret did not sign is found', async () => {
    const secret = 'a secret of tests, at least 32 long'
    const signed = start(database, secret)
    await write(signed)
    await signed.close(never)
    expect(await signed.verify()).toMatchObject({ ok: true, anchors: 1 })
    const sound = readFileSync(file(), 'utf8')
    expect(sound).not.toContain(secret)
    const { mac, ...rest } = JSON.parse(sound) as Record<string, unknown>
    expect(mac).toMatch(/^[0-9a-f]{64}$/)
    for (const forged of [rest, { ...rest, mac, seq: 0 }, { ...rest, mac: 'é'.repeat(64) }]) {
      writeFileSync(file(), `${JSON.stringify(forged)}\n`)
      expect(await signed.verify()).toMatchObject({ ok: false, finding: { kind: 'anchor' } })
    }
  })
})
