/** Access that ended while somebody waited, or that nobody asked about: each of these once succeeded. */
import { once } from 'node:events'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket, type RawData } from 'ws'
import { messageType, readFrame, syncFrame, syncStep, tokenFrame } from '../shared/frames.ts'
import type { Grant } from '../shared/permissions.ts'
import { startEdgeApp } from './testing/edge-app.ts'
import { rawClient } from './testing/raw-client.ts'
import { stockProvider, stockSocket } from './testing/stock-clients.ts'
import { startTestApp, testSecret, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const admin: Grant[] = [{ resource: '**', role: 'admin' }]

let server: TestApp
afterEach(() => server.stop())

const send = (method: string, body?: unknown, type = 'application/json') => ({
  method,
  ...(body === undefined ? {} : { headers: { 'content-type': type }, body: JSON.stringify(body) }),
})
const as = (sub: string, path: string, init: RequestInit = {}) =>
  server.fetch(path, { sub, grants: [], ...init })
const asAdmin = (path: string, init: RequestInit = {}) =>
  server.fetch(path, { sub: 'root', grants: admin, ...init })
const grant = async (order: object): Promise<string> => {
  const response = await asAdmin('/v1/grants', send('POST', order))
  expect(response.status, await response.clone().text()).toBe(201)
  return ((await response.json()) as { id: string }).id
}
const exists = async (name: string) =>
  (await asAdmin(`/v1/documents/${encodeURIComponent(name)}`)).status === 200

describe('[T21] conditions on the address hold on every route', () => {
  const here = 'inNetwork(address, "127.0.0.0/8")'

  test('lists, content, and the server’s own', async () => {
    server = await startTestApp()
    for (const name of ['acme%2Fopen', 'acme%2Fsecret']) {
      await asAdmin(`/v1/documents/${name}`, send('PUT'))
    }
    await grant({ subject: 'user:eve', resource: 'acme/**', role: 'viewer' })
    const denial = { subject: 'user:eve', effect: 'deny', capabilities: ['read'], condition: here }
    await grant({ ...denial, resource: 'acme/secret' })
    const list = await (await as('eve', '/v1/documents')).text()
    expect(list).toContain('acme/open')
    expect(list).not.toContain('acme/secret')

    const present = send('PUT', { state: {}, ttlMs: 60_000 })
    expect((await asAdmin('/v1/documents/acme%2Fsecret/presence/one', present)).status).toBe(200)
    await grant({ subject: 'user:bob', resource: 'acme/secret', role: 'viewer', condition: here })
    const presenceFor = async (sub: string) =>
      (await (await as(sub, '/v1/users/root/presence')).json()) as unknown
    expect(await presenceFor('bob')).toMatchObject({ status: 'online' })
    expect(await presenceFor('eve')).toMatchObject({ status: 'offline', lastSeenAt: null })

    await grant({ subject: 'user:ann', resource: 'acme/open', role: 'viewer', condition: here })
    expect((await as('ann', '/v1/documents/acme%2Fopen/content')).status).toBe(200)
    expect(await (await as('ann', '/v1/documents')).text()).toContain('acme/open')

    const elsewhere = { resource: '**', role: 'admin', condition: `!${here}` }
    await grant({ subject: 'user:eve', ...elsewhere })
    for (const path of [
      '/v1/audit',
      '/v1/audit/export',
      '/v1/keys',
      '/v1/admin/circuit-breakers',
    ]) {
      expect((await as('eve', path)).status, path).toBe(403)
    }
    const others = [
      ['/v1/tokens/revoke', { sub: 'ann' }],
      ['/v1/admin/disconnect', { user: 'ann' }],
      ['/v1/keys', { name: 'k', scopes: ['admin'], role: 'admin' }],
    ] as const
    for (const [path, body] of others) {
      expect((await as('eve', path, send('POST', body))).status, path).toBe(403)
    }
  })
})

describe('[F21] access that ends while a request waits for its turn', () => {
  /** Readings of one user wait for a second each, behind some that wait already. */
  const slow = async () => {
    server = await startTestApp({ settings: { WEFT_MAX_LOADS_PER_SECOND: '1' } })
    const id = await grant({ subject: 'user:bob', resource: 'acme/**', role: 'editor' })
    for (const n of [1, 2, 3, 4, 5, 6])
      waiting.push(as('bob', `/v1/documents/acme%2Fnone${n}/content`))
    await until(async () => (await delays()) >= 3, 'some wait')
    before = await delays()
    return id
  }
  const waiting: Promise<Response>[] = []
  let before = 0
  const delays = () => server.metric('weft_document_loads_delayed_total')
  const delayed = () => until(async () => (await delays()) > before, 'it waits')
  afterEach(async () => {
    await Promise.all(waiting.splice(0))
  })
  const take = async (id: string) =>
    expect((await asAdmin(`/v1/grants/${id}`, { method: 'DELETE' })).status).toBe(204)

  test('nothing is made: a document', async () => {
    const id = await slow()
    const made = as('bob', '/v1/documents/acme%2Fnew', send('PUT'))
    await delayed()
    await take(id)
    expect((await made).status).toBe(403)
    expect(await exists('acme/new')).toBe(false)
  })

  test('nothing is made: a document, by an edit', async () => {
    const id = await slow()
    const body = [{ op: 'add', path: '/t', value: 'words' }]
    const edit = send('PATCH', body, 'application/json-patch+json')
    const made = as('bob', '/v1/documents/acme%2Fnew/json', edit)
    await delayed()
    await take(id)
    expect((await made).status).toBe(403)
    expect(await exists('acme/new')).toBe(false)
  })

  test('nothing is made: a document, by opening it', async () => {
    const id = await slow()
    const client = await rawClient(server.syncUrl)
    client.authenticate('acme/new', await server.token('bob', { grants: [] }))
    await delayed()
    await take(id)
    await until(() => client.told().some(({ type }) => type === 'weft.error'), 'it is refused')
    expect(await exists('acme/new')).toBe(false)
    client.close()
  })

  test('nothing is read, not with a token that was taken back either', async () => {
    await slow()
    await asAdmin('/v1/documents/acme%2Fplan', send('PUT'))
    const read = as('bob', '/v1/documents/acme%2Fplan/content')
    await delayed()
    await asAdmin('/v1/tokens/revoke', send('POST', { sub: 'bob' }))
    expect((await read).status).toBe(401)
  })
})

describe('[T21] what a new document begins with is written', () => {
  const seed = (content: object) => ({
    ...send('PUT', content),
    headers: { 'content-type': 'application/json', 'if-none-match': '*' },
  })

  test('not by those who may make documents and not write, nor beyond their paths', async () => {
    server = await startTestApp()
    await grant({ subject: 'user:eve', resource: 'acme/**', capabilities: ['read', 'create'] })
    expect((await as('eve', '/v1/documents/acme%2Fa', seed({ t: 'words' }))).status).toBe(403)
    expect((await as('eve', '/v1/documents/acme%2Fa', send('PUT'))).status).toBe(201)
    const paths = ['comments']
    await grant({ subject: 'user:ann', resource: 'acme/**', role: 'editor', paths })
    expect((await as('ann', '/v1/documents/acme%2Fb', seed({ t: 'words' }))).status).toBe(403)
    expect(await exists('acme/b')).toBe(false)
    expect((await as('ann', '/v1/documents/acme%2Fb', send('PUT'))).status).toBe(201)
  })
})

test('[T17] wrong keys on sockets keep out nobody from elsewhere', async () => {
  server = await startEdgeApp()
  const order = { name: 'app', scopes: ['documents:read'] }
  const { key } = (await (await asAdmin('/v1/keys', send('POST', order))).json()) as { key: string }
  const show = async (token: string, from: string) => {
    const socket = new WebSocket(server.syncUrl, { headers: { 'x-forwarded-for': from } })
    const frames: Uint8Array[] = []
    socket.on('message', (data: RawData) => void frames.push(Uint8Array.from(data as Buffer)))
    await once(socket, 'open')
    socket.send(tokenFrame('acme/plan', { token, version: '4.8.0', hello: '' }))
    const answers = () =>
      frames.filter(bytes => bytes.byteLength > 1).map(bytes => Buffer.from(bytes).toString())
    const codes = /TOKEN_INVALID|SLOW_DOWN|DOCUMENT_NOT_FOUND|FORBIDDEN/
    await until(() => answers().some(text => codes.test(text)), 'an answer')
    socket.terminate()
    return codes.exec(answers().join())?.[0]
  }
  const wrong = `${key.slice(0, -4)}AAAA`
  const seen: (string | undefined)[] = []
  for (let i = 0; i < 22; i++)
    seen.push(await show(wrong.slice(0, -2) + String(10 + i), `192.0.2.${i}`))
  expect(new Set(seen)).toEqual(new Set(['TOKEN_INVALID']))
  expect(await show(key, '198.51.100.7')).toBe('DOCUMENT_NOT_FOUND')
})

describe('[T29] a fresh token is one of the same person', () => {
  const tokenOf = (claims: Record<string, unknown>) =>
    new SignJWT({ grants: [{ resource: 'acme/**', role: 'editor' }], ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject('alice')
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(new TextEncoder().encode(testSecret))

  test.each([
    ['of another tenant', { tenant: 'other' }],
    ['of no tenant', {}],
    ['of another kind', { tenant: 'acme', kind: 'service' }],
  ])('%s: the session ends', async (_, other) => {
    server = await startTestApp()
    const client = await rawClient(server.syncUrl)
    client.authenticate('acme/plan', await tokenOf({ tenant: 'acme' }))
    client.send(syncFrame('acme/plan', syncStep.step1, Uint8Array.of(0)))
    const isIn = () =>
      client.frames.some(
        bytes => bytes.byteLength > 1 && readFrame(bytes).type === messageType.sync,
      )
    await until(isIn, 'let in')
    client.authenticate('acme/plan', await tokenOf({ tenant: 'acme', name: 'Alice' }))
    client.authenticate('acme/plan', await tokenOf(other))
    await until(() => client.told().some(({ error }) => error?.code === 'TOKEN_INVALID'), 'ended')
    // Counted and written down as what it was: stock clients have to lose their socket, too.
    expect(await server.metric('weft_refusals_total')).toBeGreaterThan(0)
    client.close()
  })

  test('a stock client whose fresh token is bad loses its socket, and comes back with a good one', async () => {
    server = await startTestApp()
    const claims = { tenant: 'acme' }
    const tokens = [
      await tokenOf(claims),
      await tokenOf({ tenant: 'other' }),
      await tokenOf(claims),
    ]
    let asked = 0
    const socket = stockSocket(server.syncUrl)
    const token = () => tokens[Math.min(asked++, 2)] ?? ''
    const stock = stockProvider({ url: server.syncUrl, name: 'acme/plan', token, socket })
    await until(() => stock.provider.isSynced, 'synced')
    await stock.provider.sendToken()
    await until(() => stock.closes.length > 0, 'its socket is closed')
    await until(() => asked > 2 && stock.provider.isSynced, 'back')
    stock.text.insert(0, 'here again')
    await until(() => !stock.provider.hasUnsyncedChanges, 'stored')
    stock.destroy()
    socket.destroy()
  })
})
