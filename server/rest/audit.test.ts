/** The audit log of a whole server: what is noted, who may read it, and the command line. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant, Role } from '../../shared/permissions.ts'
import type { AuditRow } from '../audit/audit-row.ts'
import { openDatabase } from '../database/database.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { rawClient } from '../testing/raw-client.ts'
import { runWeft } from '../testing/run-weft.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

const as = (role: Role): { grants: Grant[] } => ({ grants: [{ resource: '**', role }] })
type Page = {
  readonly events: readonly (Omit<AuditRow, 'details'> & { details: unknown })[]
  readonly next: number | null
}

describe('the audit log of a server', () => {
  let server: TestApp
  let folder: ReturnType<typeof temporaryFolder>
  beforeEach(async () => {
    folder = temporaryFolder()
    server = await startTestApp({ dataDir: folder.path })
  })
  afterEach(async () => {
    await server.stop()
    folder.remove()
  })

  const query = async (parameters = '') =>
    (await (await server.fetch(`/v1/audit${parameters}`, as('analyst'))).json()) as Page
  /** Waits until so many rows are stored. */
  const rows = async (count: number) => {
    await until(async () => (await query()).events.length >= count, `${count} rows`)
    return (await query()).events
  }
  const makeThings = async () => {
    await server.fetch('/v1/documents/acme%2Fa', { method: 'PUT', sub: 'ada' })
    await server.fetch('/v1/documents/acme%2Fa', { method: 'PUT', sub: 'ada' })
    await server.fetch('/v1/documents/acme%2Fa', {
      method: 'DELETE',
      sub: 'bob',
      headers: { 'x-request-id': 'request-1' },
    })
    await server.fetch('/v1/admin/disconnect', {
      method: 'POST',
      sub: 'eve',
      ...as('operator'),
      headers: { 'content-type': 'application/json' },
      body: '{"document":"acme/b","user":"ada"}',
    })
  }

  test('[AU10] creations, deletions and disconnections are there, with who and from where', async () => {
    await makeThings()
    const events = await rows(3)
    expect(events.map(({ actor, action, document }) => [actor, action, document])).toEqual([
      ['ada', 'document.create', 'acme/a'],
      ['bob', 'document.delete', 'acme/a'],
      ['eve', 'session.disconnect', 'acme/b'],
    ])
    expect(events[1]).toMatchObject({
      seq: 2,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      actorKind: 'user',
      capability: 'delete',
      decision: 'allow',
      address: expect.stringMatching(/127\.0\.0\.1$/) as string,
      requestId: 'request-1',
    })
    expect(events[2]?.details).toEqual({ user: 'ada', sessions: 0 })
    expect(await server.metric('weft_audit_rows_total')).toBe(3)
  })

  test('[A17] a session is one opening; edits and heartbeats are none', async () => {
    await server.fetch('/v1/documents/acme%2Fa', { method: 'PUT', sub: 'ada' })
    const patch = {
      method: 'PATCH',
      sub: 'ada',
      headers: { 'content-type': 'application/json-patch+json' },
      body: '[{"op":"add","path":"/t","value":"words"}]',
    }
    expect((await server.fetch('/v1/documents/acme%2Fa/json', patch)).status).toBe(200)
    const beat = {
      method: 'PUT',
      sub: 'bot',
      headers: { 'content-type': 'application/json' },
      body: '{"state":{},"ttlMs":60000}',
    }
    for (let n = 0; n < 3; n++) {
      const path = '/v1/documents/acme%2Fa/presence/one'
      expect((await server.fetch(path, beat)).status).toBe(200)
    }
    expect(
      (await server.fetch('/v1/documents/acme%2Fa/json', { ...patch, grants: [] })).status,
    ).toBe(403)
    const client = await rawClient(server.syncUrl)
    client.authenticate('acme/a', await server.token('eve'))
    const openings = async () =>
      (await query()).events
        .filter(({ action }) => action === 'document.open')
        .map(({ actor, decision }) => `${actor} ${decision}`)
    await until(async () => (await openings()).includes('eve allow'), 'written down')
    expect(await openings()).toEqual(['bot allow', 'ada deny', 'eve allow'])
    client.close()
  })

  test('[A17] who is sent off at once has opened nothing', async () => {
    await server.stop()
    const settings = { WEFT_MAX_DEVICES_PER_USER: '1' }
    server = await startTestApp({ dataDir: folder.path, settings })
    const [first, second] = [await rawClient(server.syncUrl), await rawClient(server.syncUrl)]
    first.authenticate('acme/a', await server.token('eve'))
    await until(async () => (await query()).events.length > 0, 'let in')
    second.authenticate('acme/a', await server.token('eve'))
    await until(() => second.closed !== undefined, 'sent off')
    first.authenticate('acme/b', await server.token('eve'))
    const opened = async () =>
      (await query()).events
        .filter(({ action }) => action === 'document.open')
        .map(({ document, decision }) => `${document} ${decision}`)
    await until(async () => (await opened()).includes('acme/b allow'), 'let in elsewhere')
    expect(await opened()).toEqual(['acme/a allow', 'acme/b allow'])
    for (const client of [first, second]) client.close()
  })

  test('[AU11] is for admins and analysts', async () => {
    for (const path of ['/v1/audit', '/v1/audit/export']) {
      expect((await fetch(`${server.url}${path}`)).status).toBe(401)
      const statuses = []
      for (const role of ['admin', 'analyst', 'operator', 'owner'] as const) {
        statuses.push((await server.fetch(path, as(role))).status)
      }
      expect(statuses).toEqual([200, 200, 403, 403])
    }
  })

  test('is asked page by page, and wrong questions are refused', async () => {
    await makeThings()
    const events = await rows(3)
    const first = await query('?limit=2')
    expect(first).toEqual({ events: events.slice(0, 2), next: 2 })
    expect(await query('?limit=2&after=2')).toEqual({ events: events.slice(2), next: null })
    expect((await query('?actor=bob')).events).toEqual([events[1]])
    expect((await query('?action=session.disconnect&document=acme/b')).events).toEqual([events[2]])
    expect((await query('?decision=deny')).events).toEqual([])
    const soon = new Date(Date.now() + 60_000).toISOString()
    expect((await query(`?from=${soon}`)).events).toEqual([])
    expect((await query(`?to=${soon}`)).events).toHaveLength(3)
    for (const wrong of ['?limit=0', '?decision=maybe', '?from=yesterday', '?after=-1']) {
      expect((await server.fetch(`/v1/audit${wrong}`, as('admin'))).status).toBe(400)
    }
  })

  test('[AU12] [T26] the export is checked by whoever has it, is noted itself, and holds no token', async () => {
    await makeThings()
    await rows(3)
    const token = await server.token('ada', as('admin'))
    const response = await fetch(`${server.url}/v1/audit/export`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const text = await response.text()
    let before = '0'.repeat(64)
    for (const line of text.trim().split('\n')) {
      const { prevHash, hash, ...facts } = JSON.parse(line) as AuditRow
      expect(prevHash).toBe(before)
      const own = createHash('sha256')
        .update(prevHash + JSON.stringify(facts))
        .digest('hex')
      expect(hash).toBe(own)
      before = hash
    }
    const events = await rows(4)
    expect(events[3]).toMatchObject({ action: 'audit.export', actor: 'ada' })
    expect(JSON.stringify(events)).not.toContain(token.split('.')[2])
  })

  test('[T24] weft audit verify: after a stop, and after somebody was at the file', async () => {
    const settings = { WEFT_DATA_DIR: folder.path }
    const weft = (...args: string[]) => runWeft(settings, 'audit', ...args)
    await makeThings()
    await server.stop()
    const sound = await weft('verify')
    expect(sound).toMatchObject({ code: 0, err: '' })
    expect(sound.out).toMatch(/rows {9}3, .*\nanchors {6}1 in .*audit-anchors.ndjson, up to row 3/)
    const exported = await weft('export')
    expect(exported.out.trim().split('\n')).toHaveLength(3)
    expect((await weft('export', '--from', '2100-01-01')).out).toBe('')
    const { db, ...database } = openDatabase({
      kind: 'sqlite',
      file: join(folder.path, 'weft.sqlite'),
    })
    await sql`UPDATE audit SET actor = 'nobody' WHERE seq = 2`.execute(db)
    await database.close()
    const bad = await weft('verify')
    expect(bad).toMatchObject({ code: 1, out: expect.stringContaining('row 2: ') as string })
    expect(await weft('verify', '--anchors', join(folder.path, 'none'))).toMatchObject({ code: 66 })
    expect(await weft('export', '--from', 'yesterday')).toMatchObject({ code: 64 })
    expect(await weft('forget')).toMatchObject({ code: 64 })
  })
})
