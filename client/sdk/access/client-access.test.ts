/** Access through the sdk, against a whole server. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../../../server/testing/test-app.ts'
import { createClient, type ClientOptions, type WeftClient } from '../index.ts'

describe('client.access', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const connect = (sub: string, options: Partial<ClientOptions> = {}, order = {}) => {
    const token = () => server.token(sub, order)
    const client = createClient({ url: server.url, token, offline: 'memory', ...options })
    clients.push(client)
    return client.access
  }
  const owner = () => connect('owner', {}, { grants: [{ resource: 'acme/**', role: 'owner' }] })
  const guest = () => connect('guest', {}, { grants: [] })
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('grants are given, listed, explained and taken back', async () => {
    const access = owner()
    const expiresAt = new Date(Date.now() + 3_600_000)
    const grant = await access.grant({
      subject: 'user:guest',
      document: 'acme/plan',
      role: 'viewer',
      expiresAt,
    })
    expect(grant).toMatchObject({
      subject: 'user:guest',
      resource: 'acme/plan',
      grantedBy: 'owner',
      expiresAt: expiresAt.toISOString(),
    })
    const { grants, next } = await access.grants({ resource: 'acme/plan' })
    expect({ grants, next }).toEqual({ grants: [grant], next: null })
    const question = { document: 'acme/plan', user: 'guest', groups: ['a', 'b'] }
    expect(await access.explain(question)).toMatchObject({ allowed: true })
    await access.revoke(grant.id)
    expect(await access.explain(question)).toMatchObject({ allowed: false })
  })

  test('a refusal is a WeftError with the code of the server', async () => {
    const asked = guest().grant({ subject: 'user:guest', resource: '**', role: 'owner' })
    await expect(asked).rejects.toMatchObject({ name: 'WeftError', code: 'FORBIDDEN' })
    const odd = owner().grant({ subject: 'nobody', resource: 'acme/plan', role: 'owner' })
    await expect(odd).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('a token that is over is replaced once', async () => {
    let asked = 0
    const token = () => {
      asked += 1
      return server.token('guest', { grants: [], ttl: asked === 1 ? -60 : 60 })
    }
    const answer = await connect('guest', { token }).explain({ document: 'acme/plan' })
    expect(answer.allowed).toBe(false)
    expect(asked).toBe(2)
  })

  test('what does not answer, and what is no weft, is an error too', async () => {
    const gone = connect('a', { fetch: () => Promise.reject(new TypeError('no network')) })
    await expect(gone.grants({})).rejects.toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
      retryable: true,
    })
    const proxy = connect('a', {
      fetch: () => Promise.resolve(new Response('<html>', { status: 404 })),
    })
    await expect(proxy.grants({})).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('asked, seen, decided, and taken back; a request of before is followed', async () => {
    const visitor = guest()
    const host = owner()
    const order = { document: 'acme/plan', role: 'viewer', durationMs: 60_000 }
    const first = await visitor.request(order)
    expect(await visitor.cancel(first.id)).toMatchObject({ status: 'cancelled' })
    await expect(visitor.cancel(first.id)).rejects.toMatchObject({ code: 'ACCESS_REQUEST_DECIDED' })

    const second = await visitor.request(order)
    const { requests } = await visitor.requests({ mine: true, status: 'pending' })
    expect(requests).toHaveLength(1)
    const [view] = requests
    if (view === undefined) return
    const returned = guest()
    const later = returned.follow(view)
    // A page that comes and goes does not ask the server the more often.
    expect(returned.follow(view)).toBe(later)
    const no = { decision: 'deny', reason: 'not now' } as const
    expect(await host.decide(second.id, no)).toMatchObject({ status: 'denied' })
    expect(await later.whenDecided()).toMatchObject({
      status: 'denied',
      decisions: [{ by: 'owner', reason: 'not now' }],
    })
    const emergency = visitor.emergency({ ...order, reason: 'fire' })
    await expect(emergency).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})
