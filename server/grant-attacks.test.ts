/** Who may share something wants more than they have, over REST: each of these once succeeded. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import type { Grant } from '../shared/permissions.ts'
import { Postgres } from './testing/postgres.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const admin: Grant[] = [{ resource: '**', role: 'admin' }]

type Refused = { readonly action: string; readonly document: string }

type Asked = {
  readonly method?: string
  readonly body?: object
  readonly grants?: Grant[]
  readonly groups?: readonly string[]
}

const noPostgres = missing('grants on Postgres', { binaries: ['initdb', 'postgres'] }) !== null

let postgres: Postgres | undefined
beforeAll(async () => {
  if (!noPostgres) postgres = await Postgres.start({ fsync: 'off' })
})
afterAll(() => postgres?.remove())

describe('grants under attack, on SQLite', () => {
  attacks(() => startTestApp())
})

describe.skipIf(noPostgres)('grants under attack, on Postgres', () => {
  attacks(async () => {
    const url = (await postgres?.createDatabase()) ?? ''
    return startTestApp({ settings: { WEFT_DATABASE_URL: url } })
  })
})

function attacks(start: () => Promise<TestApp>): void {
  let server: TestApp
  beforeEach(async () => {
    server = await start()
  })
  afterEach(() => server.stop())

  /** Without grants of the token's own, unless said otherwise. */
  const ask = async (sub: string, path: string, asked: Asked = {}) => {
    const { method = 'GET', body, grants = [], groups = [] } = asked
    const headers = new Headers({
      authorization: `Bearer ${await server.token(sub, { grants, groups })}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    })
    return fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  const order = (sub: string, body: object, more: Asked = {}) =>
    ask(sub, '/v1/grants', { method: 'POST', body, ...more })
  const granted = async (body: object): Promise<string> => {
    const response = await order('root', body, { grants: admin })
    expect(response.status, await response.clone().text()).toBe(201)
    return ((await response.json()) as { id: string }).id
  }
  const remove = (sub: string, id: string, more: Asked = {}) =>
    ask(sub, `/v1/grants/${id}`, { method: 'DELETE', ...more })
  const statusOf = async (id: string) => {
    const response = await ask('root', `/v1/grants/${id}`, { grants: admin })
    return ((await response.json()) as { status: string }).status
  }

  describe('[T21] nobody gives what they have not got', () => {
    test('somewhere below the pattern that is given', async () => {
      await granted({ subject: 'user:alice', resource: 'acme/**', role: 'owner' })
      await granted({
        subject: 'user:alice',
        resource: 'acme/hr/**',
        effect: 'deny',
        capabilities: ['read'],
      })
      await granted({ subject: 'user:alice', resource: 'acme/law/**', role: 'viewer' })
      const wide = { subject: 'user:alice2', resource: 'acme/**' }
      expect((await order('alice', { ...wide, role: 'viewer' })).status).toBe(403)
      expect((await order('alice', { ...wide, subject: '*', role: 'editor' })).status).toBe(403)
      const law = { subject: 'group:staff', resource: 'acme/law/**' }
      expect((await order('alice', { ...law, role: 'viewer' })).status).toBe(403)
      const near = { subject: 'user:alice2', resource: 'acme/plan', role: 'owner' }
      expect((await order('alice', near)).status).toBe(201)
    })

    test('below the pattern, by what the token says', async () => {
      const grants: Grant[] = [
        { resource: 'acme/**', role: 'owner' },
        { resource: 'acme/hr/**', role: 'viewer' },
      ]
      const wide = { subject: 'group:staff', resource: 'acme/**', role: 'editor' }
      expect((await order('alice', wide, { grants })).status).toBe(403)
    })

    test('for longer than they have it', async () => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
      const what = { subject: 'user:alice', resource: 'acme/plan', role: 'owner' }
      const id = await granted({ ...what, expiresAt })
      expect((await order('alice', what)).status).toBe(403)
      const later = new Date(Date.now() + 7_200_000).toISOString()
      expect((await order('alice', { ...what, expiresAt: later })).status).toBe(403)
      for (const end of [null, later]) {
        const change = { method: 'PATCH', body: { expiresAt: end } }
        expect((await ask('alice', `/v1/grants/${id}`, change)).status).toBe(403)
      }
      const bob = { ...what, subject: 'user:bob', expiresAt }
      expect((await order('alice', bob)).status).toBe(201)
    })

    test('without the condition that they have it on', async () => {
      const condition = 'inNetwork(address, "127.0.0.0/8")'
      const what = { subject: 'user:alice', resource: 'acme/plan', role: 'owner' }
      const id = await granted({ ...what, condition })
      expect((await order('alice', what)).status).toBe(403)
      const free = { method: 'PATCH', body: { condition: null } }
      expect((await ask('alice', `/v1/grants/${id}`, free)).status).toBe(403)
      expect((await order('alice', { ...what, subject: 'user:bob', condition })).status).toBe(201)
    })
  })

  describe('[T21] nobody takes what they could not give', () => {
    beforeEach(async () => {
      await granted({ subject: 'user:olga', resource: 'acme/**', role: 'owner' })
      await granted({ subject: 'user:sam', resource: 'acme/plan', role: 'supervisor' })
    })
    const may = async (sub: string, capability: string) => {
      const path = `/v1/access/explain?resource=acme/plan&capability=${capability}`
      return ((await (await ask(sub, path)).json()) as { allowed: boolean }).allowed
    }

    test.each([
      ['a denial', { subject: 'user:olga', effect: 'deny', capabilities: ['read'] }],
      ['a denial of sharing', { subject: 'user:olga', effect: 'deny', capabilities: ['share'] }],
      ['a denial for all', { subject: '*', effect: 'deny', capabilities: ['read'] }],
      ['a nearer grant of less', { subject: 'user:olga', role: 'viewer' }],
    ])('from an owner further out, by %s', async (_, body) => {
      const response = await order('sam', { resource: 'acme/plan', ...body })
      expect(response.status, await response.clone().text()).toBe(403)
      expect(await may('olga', 'delete')).toBe(true)
      expect(await may('olga', 'share')).toBe(true)
    })

    test('an owner keeps somebody out, and lets them in again', async () => {
      const body = { subject: 'user:sam', effect: 'deny', capabilities: ['read'] }
      const made = await order('olga', { resource: 'acme/plan', ...body })
      expect(made.status).toBe(201)
      expect(await may('sam', 'read')).toBe(false)
      const { id } = (await made.json()) as { id: string }
      expect((await remove('sam', id)).status).toBe(403)
      expect((await remove('olga', id)).status).toBe(204)
      expect(await may('sam', 'read')).toBe(true)
    })

    test('but whoever has less is theirs to look after', async () => {
      await granted({ subject: 'user:bob', resource: 'acme/**', role: 'editor' })
      const viewer = { subject: 'user:bob', resource: 'acme/plan', role: 'viewer' }
      expect((await order('sam', viewer)).status).toBe(201)
      expect(await may('bob', 'write')).toBe(false)
    })

    test('nor share a thing so that nobody shares it any more', async () => {
      const all = { subject: '*', resource: 'acme/plan', effect: 'deny', capabilities: ['share'] }
      const response = await order('olga', all)
      expect(response.status).toBe(400)
      expect(await may('olga', 'share')).toBe(true)
      const space = { ...all, resource: 'acme/**', capabilities: ['read'] }
      expect((await order('olga', space)).status).toBe(400)
    })
  })

  describe('[T21] giving up', () => {
    test('a grant is given up by whom it is about', async () => {
      const id = await granted({ subject: 'user:alice', resource: 'acme/plan', role: 'editor' })
      expect((await remove('alice', id)).status).toBe(204)
    })

    test('one that gives less than another further out is a limit, and stays', async () => {
      const limit = { subject: 'user:alice', resource: 'acme/hr/**', role: 'viewer' }
      await granted({ subject: 'user:alice', resource: 'acme/**', role: 'editor' })
      const first = await granted(limit)
      expect((await remove('alice', first)).status).toBe(403)
      expect((await remove('root', first, { grants: admin })).status).toBe(204)
      const second = await granted({ ...limit, resource: 'shop/hr/**' })
      const grants: Grant[] = [{ resource: 'shop/**', role: 'editor' }]
      expect((await remove('alice', second, { grants })).status).toBe(403)
    })
  })

  test('[F21] a grant that was taken back is not brought back by a change at the same moment', async () => {
    for (let round = 0; round < 20; round++) {
      const id = await granted({ subject: 'user:mallory', resource: 'acme/plan', role: 'owner' })
      const changes = Array.from({ length: 6 }, () =>
        ask('mallory', `/v1/grants/${id}`, { method: 'PATCH', body: { role: 'owner' } }),
      )
      const taken = remove('root', id, { grants: admin })
      await Promise.all(changes)
      expect((await taken).status).toBe(204)
      expect(await statusOf(id), `round ${round}`).toBe('revoked')
    }
  })

  test('[T17] one subject has so many grants for one resource, and no more', async () => {
    const what = { subject: 'user:bob', resource: 'acme/plan', role: 'viewer' }
    for (let n = 0; n < 100; n++) await granted(what)
    const response = await order('root', what, { grants: admin })
    expect(response.status).toBe(400)
    expect((await order('root', { ...what, subject: '*' }, { grants: admin })).status).toBe(201)
  })

  test('[T24] whoever tries to give what they have not got stands in the audit log', async () => {
    await granted({ subject: 'user:sam', resource: 'acme/plan', role: 'supervisor' })
    const owner = { subject: 'user:sam', resource: 'acme/plan', role: 'owner' }
    expect((await order('sam', owner)).status).toBe(403)
    expect((await ask('sam', '/v1/grants?resource=acme/hr/**')).status).toBe(403)
    const path = '/v1/audit?actor=sam&decision=deny'
    await until(async () => {
      const audit = await ask('root', path, { grants: admin })
      const { events } = (await audit.json()) as { events: readonly Refused[] }
      const seen = events.map(({ action, document }) => `${action} ${document}`)
      return seen.join() === 'grant.create acme/plan,grant.read acme/hr/**'
    }, 'both are written down')
  })

  test('a denial by a role that is gone denies everything, and can be taken back', async () => {
    const role = { method: 'PUT', body: { capabilities: ['read'] }, grants: admin }
    expect((await ask('root', '/v1/roles/shut-out', role)).status).toBe(200)
    const what = { subject: 'user:bob', resource: 'acme/plan', effect: 'deny', role: 'shut-out' }
    const id = await granted(what)
    const gone = { method: 'DELETE', grants: admin }
    expect((await ask('root', '/v1/roles/shut-out', gone)).status).toBe(204)
    expect((await remove('root', id, { grants: admin })).status).toBe(204)
  })

  test('a change says either a role or capabilities', async () => {
    const id = await granted({ subject: 'user:bob', resource: 'acme/plan', role: 'viewer' })
    const body = { role: 'owner', capabilities: ['read'] }
    const both = { method: 'PATCH', body, grants: admin }
    expect((await ask('root', `/v1/grants/${id}`, both)).status).toBe(400)
  })

  test('[T21] nobody looks through the grants of groups that they are not in', async () => {
    await granted({ subject: 'group:board', resource: 'acme/plan', role: 'editor' })
    const path = '/v1/access/explain?resource=acme/plan&capability=write'
    const other = await ask('guest', `${path}&groups=board`)
    expect(other.status).toBe(403)
    const own = await ask('guest', `${path}&groups=board`, { groups: ['board'] })
    expect(await own.json()).toMatchObject({ allowed: true })
  })

  test('[B10] what others may do has nothing to do with the limits of who asks', async () => {
    await granted({ subject: 'user:bob', resource: 'acme/plan', role: 'owner' })
    const order = { name: 'app', scopes: ['grants:manage'], role: 'supervisor' }
    const made = await ask('root', '/v1/keys', { method: 'POST', body: order, grants: admin })
    const { key } = (await made.json()) as { key: string }
    const path = '/v1/access/explain?resource=acme/plan&capability=delete&user=bob'
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${server.url}${path}`, { headers })
    expect(await answer.json()).toMatchObject({ allowed: true })
  })

  test('[T21] a token with limits neither sees nor gives up what lies beyond them', async () => {
    const id = await granted({ subject: 'user:alice', resource: 'acme/plan', role: 'owner' })
    const made = await ask('root', '/v1/keys', {
      method: 'POST',
      body: { name: 'app', scopes: ['tokens:create'], resources: ['app/**'], role: 'editor' },
      grants: admin,
    })
    const { key } = (await made.json()) as { key: string }
    const issued = await fetch(`${server.url}/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sub: 'alice' }),
    })
    const { token } = (await issued.json()) as { token: string }
    const headers = { authorization: `Bearer ${token}` }
    const list = await fetch(`${server.url}/v1/grants?subject=user:alice`, { headers })
    expect(await list.text()).not.toContain('acme/plan')
    const one = await fetch(`${server.url}/v1/grants/${id}`, { headers })
    expect(one.status).toBe(403)
    await one.arrayBuffer()
    const gone = await fetch(`${server.url}/v1/grants/${id}`, { method: 'DELETE', headers })
    expect(gone.status).toBe(403)
    expect(await statusOf(id)).toBe('active')
  })
}
