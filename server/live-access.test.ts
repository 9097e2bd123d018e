/** What may be done changes while people are connected: told, in place, and at once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
import type { Grant } from '../shared/permissions.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const json = (value: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

describe('live access', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const stock: StockClient[] = []
  const connect = (sub: string, grants: Grant[] = [], ttl = 3600) => {
    const token = () => server.token(sub, { grants, ttl })
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    return client
  }
  const grant = async (order: object): Promise<string> => {
    const response = await server.fetch('/v1/grants', json(order))
    expect(response.status, await response.clone().text()).toBe(201)
    return ((await response.json()) as { id: string }).id
  }
  const revoke = async (id: string) => {
    expect((await server.fetch(`/v1/grants/${id}`, { method: 'DELETE' })).status).toBe(204)
  }
  const content = async () => {
    const response = await server.fetch('/v1/documents/acme%2Fplan/content')
    return ((await response.json()) as { content: { t?: string } }).content.t ?? ''
  }
  const viewer: Grant[] = [{ resource: 'acme/**', role: 'viewer' }]

  beforeEach(async () => {
    server = await startTestApp()
    const author = connect('owner', [{ resource: '**', role: 'owner' }]).open('acme/plan')
    author.doc.getText('t').insert(0, 'shared')
    await author.whenSaved()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    for (const { provider } of stock.splice(0)) provider.destroy()
    await server.stop()
  })

  test('[G12] a viewer is raised to editor and types without a reload; taken back, the rest is set aside', async () => {
    const client = connect('bob', viewer)
    const handle = client.open('acme/plan')
    await handle.whenSynced()
    expect(handle.state.get().access).toBe('read')
    const { doc } = handle

    const id = await grant({ subject: 'user:bob', resource: 'acme/plan', role: 'editor' })
    await until(() => handle.state.get().access === 'write', 'raised')
    handle.doc.getText('t').insert(0, 'bob ')
    await handle.whenSaved()
    expect(await content()).toBe('bob shared')
    expect(handle.doc).toBe(doc)

    await revoke(id)
    await until(() => handle.state.get().access === 'read', 'lowered')
    handle.doc.getText('t').insert(0, 'half a sen')
    await until(() => handle.doc !== doc && handle.status.kind === 'live', 'anew')
    expect(handle.doc.getText('t').toString()).toBe('bob shared')
    const asides = await client.offline.setAside()
    expect(asides).toHaveLength(1)

    await grant({ subject: 'user:bob', resource: 'acme/plan', role: 'editor' })
    await until(() => handle.state.get().access === 'write', 'raised again')
    handle.doc.getText('t').insert(0, 'again ')
    await handle.whenSaved()
    expect(await content()).toBe('again bob shared')
  })

  test('[F21] whoever may not read any more is sent off, by whatever protocol, and comes back when they may', async () => {
    const id = await grant({ subject: 'group:guests', resource: 'acme/**', role: 'editor' })
    const token = await server.token('guest', { grants: [], groups: ['guests'] })
    const own = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(own)
    const handle = own.open('acme/plan')
    const other = stockProvider({ url: server.syncUrl, name: 'acme/plan', token })
    stock.push(other)
    await handle.whenSynced()
    await until(() => other.provider.isSynced, 'both are in')

    await revoke(id)
    // The answer to the request comes when this node lives by it.
    const before = other.doc.getText('t').toString()
    const author = connect('owner', [{ resource: '**', role: 'owner' }]).open('acme/plan')
    await author.whenSynced()
    author.doc.getText('t').insert(0, 'secret ')
    await author.whenSaved()
    await until(() => handle.status.kind === 'refused', 'the sdk is told')
    expect(handle.status).toMatchObject({ error: { code: 'FORBIDDEN' } })
    await until(() => other.closes.length > 0, 'the stock provider is told')
    expect(other.doc.getText('t').toString()).toBe(before)
    expect(handle.doc.getText('t').toString()).toBe(before)

    await grant({ subject: 'user:guest', resource: 'acme/plan', role: 'viewer' })
    handle.retry()
    await until(() => handle.doc.getText('t').toString() === 'secret shared', 'back')
  })

  test('a grant ends by itself: first writing, then nothing is left', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString()
    await grant({ subject: 'user:bob', resource: 'acme/plan', role: 'editor', expiresAt })
    const handle = connect('bob').open('acme/plan')
    await handle.whenSynced()
    expect(handle.state.get().access).toBe('write')
    await until(() => handle.status.kind === 'refused', 'it is over')
    expect(Date.now()).toBeLessThan(Date.parse(expiresAt) + 1_000)
  })

  test('[F20] a token runs out: asked for in time, and nothing is lost', async () => {
    let made = 0
    const token = () => {
      made += 1
      return server.token('bob', { grants: [{ resource: '**', role: 'editor' }], ttl: 3 })
    }
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    const handle = client.open('acme/plan')
    await handle.whenSynced()
    const states = new Set<string>()
    handle.state.subscribe(() => states.add(handle.status.kind))
    const end = Date.now() + 7_000
    let typed = 0
    while (Date.now() < end) {
      handle.doc.getText('t').insert(0, 'x')
      typed += 1
      await handle.whenSaved()
    }
    expect(made).toBeGreaterThan(2)
    expect([...states]).toEqual(['live'])
    expect(await content()).toBe(`${'x'.repeat(typed)}shared`)
  })

  test('[G11] expired: the next write waits; refreshed: it is there', async () => {
    let asked = 0
    let isSignedIn = true
    const token = () => {
      asked += 1
      if (asked > 1 && !isSignedIn) throw new Error('signed out')
      return server.token('bob', { grants: [{ resource: '**', role: 'editor' }], ttl: 2 })
    }
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    const handle = client.open('acme/plan')
    await handle.whenSynced()
    isSignedIn = false
    await until(() => handle.state.get().access === 'read', 'the token has run out')
    handle.doc.getText('t').insert(0, 'late ')
    await until(() => handle.state.get().save.kind === 'not saving', 'told')
    expect(await content()).toBe('shared')
    isSignedIn = true
    handle.retry()
    await handle.whenSaved()
    expect(await content()).toBe('late shared')
  })

  test('[T29] every further token is checked, and cannot make somebody else of them', async () => {
    const other = stockProvider({
      url: server.syncUrl,
      name: 'acme/plan',
      token: await server.token('bob', { grants: viewer }),
    })
    stock.push(other)
    await until(() => other.provider.isSynced, 'in')
    other.provider.configuration.token = await server.token('mallory')
    await other.provider.sendToken()
    await until(() => other.closes.length > 0, 'closed')
    expect(other.closes[0]).toMatchObject({ reason: 'TOKEN_INVALID' })
  })

  test('commenters write what is theirs, and nothing else', async () => {
    await grant({ subject: 'user:bob', resource: 'acme/plan', role: 'commenter' })
    const client = connect('bob')
    const handle = client.open('acme/plan')
    await handle.whenSynced()
    expect(handle.state.get().access).toBe('comment')
    handle.doc.getMap('comments').set('c1', 'well done')
    await handle.whenSaved()
    handle.doc.getText('t').insert(0, 'vandal ')
    await expect(handle.whenSaved()).rejects.toMatchObject({ code: 'PATH_FORBIDDEN' })
    expect(await content()).toBe('shared')
  })

  test('a role of the installation is changed, and all who have it follow', async () => {
    const put = (capabilities: string[]) =>
      server.fetch('/v1/roles/reviewer', {
        ...json({ capabilities }),
        method: 'PUT',
        grants: [{ resource: '**', role: 'admin' }],
      })
    expect((await put(['read'])).status).toBe(200)
    await grant({ subject: 'user:bob', resource: 'acme/**', role: 'reviewer' })
    const handle = connect('bob').open('acme/plan')
    await handle.whenSynced()
    expect(handle.state.get().access).toBe('read')
    expect((await put(['read', 'write'])).status).toBe(200)
    await until(() => handle.state.get().access === 'write', 'raised')
  })
})
