/** Who comes too often, by address, user, socket and document; and what no header can change about it. */
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { awarenessFrame, syncFrame, syncStep } from '../shared/frames.ts'
import { rawRequest, startEdgeApp, upgrade } from './testing/edge-app.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { stockProvider, stockSocketOf, type StockClient } from './testing/stock-clients.ts'
import type { TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

describe('limits', () => {
  let server: TestApp
  const open: { close(): void }[] = []
  afterEach(async () => {
    for (const one of open.splice(0)) one.close()
    await server.stop()
  })
  const start = async (settings: Readonly<Record<string, string>>) => {
    server = await startEdgeApp(settings)
  }

  const ask = async (address: string, headers: Readonly<Record<string, string>> = {}) =>
    rawRequest(`${server.url}/v1/openapi.json`, {
      headers: { 'x-forwarded-for': address, ...headers },
    })
  const knock = (address: string) =>
    rawRequest(`${server.url}/sync`, { headers: { ...upgrade, 'x-forwarded-for': address } })
  /** How often each status came. */
  const tally = async (times: number, one: () => Promise<{ readonly status: number }>) => {
    const statuses = new Map<number, number>()
    for (let i = 0; i < times; i++) {
      const { status } = await one()
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    return Object.fromEntries(statuses)
  }

  // One a second, so that a slow machine gives back next to nothing while it counts.
  const slow = { WEFT_ADDRESS_REQUESTS_PER_SECOND: '1', WEFT_ADDRESS_CONNECTS_PER_SECOND: '1' }

  test('[T23] requests of one address: under, at, over', async () => {
    await start(slow)
    expect(await tally(20, () => ask('192.0.2.1'))).toEqual({ 200: 20 })
    const over = await tally(20, () => ask('192.0.2.1'))
    expect(over[429]).toBeGreaterThan(10)
    const answer = await ask('192.0.2.1')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'SLOW_DOWN', retryable: true })
    expect((await ask('192.0.2.2')).status).toBe(200)
    // Whoever asks whether the server is well is answered.
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    expect((await rawRequest(`${server.url}/livez`, { headers })).status).toBe(200)
  })

  test('[T23] what a client writes into the header itself changes nothing', async () => {
    await start(slow)
    let n = 0
    const spoofed = await tally(60, () => ask(`203.0.113.${n++ % 250}, 192.0.2.1`))
    expect(spoofed[200]).toBeLessThan(30)
  })

  test('[T23] without a trusted proxy the header is not read at all', async () => {
    await start({ ...slow, WEFT_TRUSTED_PROXIES: '', WEFT_DENY_ADDRESSES: '192.0.2.1' })
    expect(await tally(40, () => ask('192.0.2.1'))).toEqual({ 200: 40 })
  })

  test('[T23] sockets of one address, and an address that goes on is not heard', async () => {
    await start({ ...slow, WEFT_BAN_MS: '600000' })
    expect(await tally(20, () => knock('192.0.2.1'))).toEqual({ 101: 20 })
    const over = await tally(160, () => knock('192.0.2.1'))
    expect(over[429]).toBeGreaterThan(100)
    expect(JSON.parse((await ask('192.0.2.1')).body)).toMatchObject({
      code: 'SLOW_DOWN',
      detail: expect.stringContaining('not heard') as string,
    })
    expect((await knock('192.0.2.2')).status).toBe(101)
  })

  test('[T23] denied and allowed addresses, before anything else', async () => {
    await start({
      WEFT_DENY_ADDRESSES: '192.0.2.66,2001:db8:bad::/48',
      WEFT_ALLOW_ADDRESSES: '192.0.2.0/24,2001:db8::/32',
    })
    const statuses = async (address: string) => [
      (await knock(address)).status,
      (await ask(address)).status,
    ]
    expect(await statuses('192.0.2.1')).toEqual([101, 200])
    expect(await statuses('2001:db8::1')).toEqual([101, 200])
    for (const address of ['192.0.2.66', '::ffff:192.0.2.66', '2001:db8:bad::1', '203.0.113.1']) {
      expect(await statuses(address)).toEqual([403, 403])
    }
    expect(JSON.parse((await ask('192.0.2.66')).body)).toMatchObject({ code: 'ADDRESS_FORBIDDEN' })
  })

  test('https is said to be kept to where a trusted proxy says that it was https', async () => {
    await start({})
    const said = async (scheme: string) =>
      (await ask('192.0.2.1', { 'x-forwarded-proto': scheme })).headers['strict-transport-security']
    expect(await said('https')).toMatch(/^max-age=31536000/)
    expect(await said('http')).toBeUndefined()
    await server.stop()
    await start({ WEFT_TRUSTED_PROXIES: '' })
    expect(await said('https')).toBeUndefined()
  })

  test('[T23] a user over REST, wherever from; others are not in it', async () => {
    await start({ WEFT_RATE_TIERS: '{"agent":{"rate":1,"burst":5}}' })
    let n = 0
    const list = async (sub: string, kind: 'user' | 'agent') => {
      const authorization = `Bearer ${await server.token(sub, { kind })}`
      const headers = { authorization, 'x-forwarded-for': `198.51.100.${n++}` }
      return rawRequest(`${server.url}/v1/documents`, { headers })
    }
    expect(await tally(5, () => list('bot', 'agent'))).toEqual({ 200: 5 })
    expect((await tally(10, () => list('bot', 'agent')))[429]).toBeGreaterThan(6)
    expect(await tally(20, () => list('ada', 'user'))).toEqual({ 200: 20 })
    expect(await tally(5, () => list('other bot', 'agent'))).toEqual({ 200: 5 })
  })

  test('[T23] a tier by role: those who own something may ask more than others of their kind', async () => {
    const tiers = { user: { rate: 1, burst: 3 }, roles: { owner: { rate: 50, burst: 30 } } }
    await start({ WEFT_RATE_TIERS: JSON.stringify(tiers) })
    const list = async (sub: string, role: 'owner' | 'editor') => {
      const grants = [{ resource: 'acme/**', role }] as const
      const headers = { authorization: `Bearer ${await server.token(sub, { grants })}` }
      return rawRequest(`${server.url}/v1/documents`, { headers })
    }
    expect(await tally(20, () => list('ada', 'owner'))).toEqual({ 200: 20 })
    expect((await tally(10, () => list('bob', 'editor')))[429]).toBeGreaterThan(4)
  })

  test('[T23] a user that opens sockets in a loop is closed with 4529, and told when to come', async () => {
    await start({ WEFT_RATE_TIERS: '{"user":{"rate":1,"burst":3}}' })
    const token = await server.token('looper')
    const clients: RawClient[] = []
    for (let i = 0; i < 6; i++) {
      const client = await rawClient(server.syncUrl)
      open.push(client)
      client.authenticate('a', token)
      clients.push(client)
    }
    await until(() => clients.filter(({ closed }) => closed?.code === 4529).length >= 2, 'closed')
    const refused = clients.find(({ closed }) => closed !== undefined)
    expect(refused?.told()).toMatchObject([{ type: 'weft.error', error: { code: 'SLOW_DOWN' } }])
    expect(clients.filter(({ closed }) => closed === undefined).length).toBeGreaterThanOrEqual(3)
  })

  const letIn = async (sub: string, name = 'a') => {
    const client = await rawClient(server.syncUrl)
    open.push(client)
    client.authenticate(name, await server.token(sub))
    client.send(syncFrame(name, syncStep.step1, Uint8Array.of(0)))
    await until(() => client.frames.length >= 3, 'let in')
    return client
  }
  const waits = () => server.metric('weft_rate_limited_total')

  test('[T23] frames of one socket: under and at nothing waits; over, it is read later and loses nothing', async () => {
    await start({ WEFT_CONNECTION_FRAMES_PER_SECOND: '20' })
    const client = await letIn('ada')
    const presence = awarenessFrame('a', Uint8Array.of(0))
    for (let i = 0; i < 150; i++) client.send(presence)
    await until(async () => (await server.metric('weft_frames_received_total')) >= 152, 'read')
    expect(await waits()).toBe(0)
    for (let i = 0; i < 100; i++) client.send(presence)
    await until(async () => (await waits()) > 0, 'it rests')
    const restsAt = performance.now()
    // What was sent last arrives too, when its time has come.
    client.send(Uint8Array.of(1, 97, 77))
    await until(() => client.told().length > 0, 'read on')
    // Fifty too many at twenty a second.
    expect(performance.now() - restsAt).toBeGreaterThan(500)
    expect(client.closed).toBeUndefined()
  })

  test('[T23] who stays over is closed with 4529', async () => {
    await start({ WEFT_CONNECTION_FRAMES_PER_SECOND: '10', WEFT_SLOW_DOWN_AFTER_MS: '500' })
    const [client, calm] = [await letIn('ada'), await letIn('calm')]
    const presence = awarenessFrame('a', Uint8Array.of(0))
    for (let i = 0; i < 200; i++) client.send(presence)
    await until(() => client.closed !== undefined, 'closed')
    expect(client.closed).toEqual({ code: 4529, reason: 'SLOW_DOWN' })
    const told = client.told().find(({ error }) => error?.code === 'SLOW_DOWN')
    expect(told?.error).toMatchObject({ retryAfterMs: expect.any(Number) as number })
    expect(calm.closed).toBeUndefined()
  })

  test('[T23] edits over the limit wait, are all stored, and are acknowledged', async () => {
    await start({ WEFT_CONNECTION_BYTES_PER_SECOND: '50000' })
    const writer = stockProvider({ url: server.syncUrl, name: 'a', token: await server.token('w') })
    open.push({ close: () => writer.destroy() })
    await until(() => writer.provider.isSynced, 'synced')
    for (let i = 0; i < 50; i++) writer.text.insert(0, `${i}-`.padEnd(10_000, 'x'))
    await until(async () => (await waits()) > 0, 'it rests')
    await until(() => !writer.provider.hasUnsyncedChanges, 'acknowledged', 15_000)
    const response = await server.fetch('/v1/documents/a/content')
    const { content } = (await response.json()) as { content: { text: string } }
    expect(content.text).toBe(writer.text.toString())
    expect(writer.closes).toEqual([])
  })

  test('[T23] a document of many slows each a little, and nobody is sent off', async () => {
    await start({ WEFT_DOCUMENT_FRAMES_PER_SECOND: '5', WEFT_SLOW_DOWN_AFTER_MS: '100' })
    const crowd = await Promise.all(['a', 'b', 'c', 'd'].map(sub => letIn(sub)))
    const presence = awarenessFrame('a', Uint8Array.of(0))
    for (let i = 0; i < 30; i++) for (const client of crowd) client.send(presence)
    await until(async () => (await waits()) > 0, 'they rest')
    for (const client of crowd) client.send(Uint8Array.of(1, 97, 77))
    await until(() => crowd.every(client => client.told().length > 0), 'read on')
    expect(crowd.filter(({ closed }) => closed !== undefined)).toEqual([])
    const other = await letIn('e', 'other')
    other.send(awarenessFrame('other', Uint8Array.of(0)))
    expect(other.closed).toBeUndefined()
  })

  test('[T23] 200 people behind one address come, write, and come back', async () => {
    await start({})
    class Behind extends WebSocket {
      constructor(url: string) {
        super(url, { headers: { 'x-forwarded-for': '198.51.100.7' } })
      }
    }
    const join = async (n: number): Promise<StockClient> => {
      const socket = stockSocketOf(Behind as typeof WebSocket, server.syncUrl)
      const token = await server.token(`user ${n}`)
      const client = stockProvider({ url: server.syncUrl, name: `team-${n % 20}`, token, socket })
      open.push({
        close() {
          client.destroy()
          socket.destroy()
        },
      })
      return client
    }
    const people = await Promise.all(Array.from({ length: 200 }, (_, n) => join(n)))
    await until(() => people.every(({ provider }) => provider.isSynced), 'all are in', 15_000)
    for (const [n, { text }] of people.entries()) text.insert(0, `${n} `)
    const isStored = () => people.every(({ provider }) => !provider.hasUnsyncedChanges)
    await until(isStored, 'all is stored', 15_000)
    expect(await waits()).toBe(0)
    expect(people.flatMap(({ closes }) => closes)).toEqual([])
  }, 40_000)
})
