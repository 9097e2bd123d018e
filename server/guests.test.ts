/** Guests: access that is asked for and given for a while, as applications and browsers see it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
import { ManualClock } from '../shared/manual-clock.ts'
import type { Grant } from '../shared/permissions.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const HOUR_MS = 3_600_000
const ownerGrants: Grant[] = [{ resource: 'acme/**', role: 'owner' }]
const adminGrants: Grant[] = [{ resource: '**', role: 'admin' }]

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

describe('guests', () => {
  let server: TestApp
  let clock: ManualClock
  let pump: NodeJS.Timeout
  const clients: WeftClient[] = []
  const connect = (sub: string, grants: Grant[] = []) => {
    const token = () => server.token(sub, { grants, ttl: 86_400 })
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    return client
  }
  const call = async (
    who: { readonly sub: string; readonly grants?: Grant[] },
    order: string,
    body?: object,
  ): Promise<Answer> => {
    const [method = 'GET', path = ''] = order.split(' ')
    const response = await server.fetch(path, {
      method,
      sub: who.sub,
      grants: who.grants ?? [],
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    }
  }
  const outcome = ({ status, body }: Answer) => `${status} ${String(body['code'] ?? '')}`.trim()

  const owner = { sub: 'owner', grants: ownerGrants }
  const guest = { sub: 'guest' }

  beforeEach(async () => {
    clock = new ManualClock(Math.floor(Date.now() / 1_000) * 1_000)
    // The server's time goes by as ours does, and now and then by an hour at once.
    pump = setInterval(() => clock.advance(10), 10)
    server = await startTestApp({
      settings: { WEFT_PING_INTERVAL_MS: String(10 * HOUR_MS) },
      parts: { clock },
    })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
    clearInterval(pump)
  })

  test('[Q15] a guest asks, an owner says yes for an hour: in without a reload, out when it is over', async () => {
    const author = connect('owner', ownerGrants)
    const page = author.open('acme/plan')
    page.doc.getText('t').insert(0, 'hello')
    await page.whenSaved()

    const visitor = connect('guest')
    const handle = visitor.open('acme/plan')
    await until(() => handle.status.kind === 'refused', 'refused')
    const order = { document: 'acme/plan', role: 'editor', reason: 'the audit' } as const
    const request = await visitor.access.request(order)
    expect(request.status).toBe('pending')

    const { requests } = await author.access.requests({ status: 'pending' })
    expect(requests).toMatchObject([{ id: request.id, reason: 'the audit', mayDecide: true }])
    await author.access.decide(request.id, { decision: 'approve', durationMs: HOUR_MS })

    expect(await request.whenDecided()).toMatchObject({ status: 'granted', role: 'editor' })
    await until(() => handle.status.kind === 'live', 'in, by itself')
    expect(handle.state.get().access).toBe('write')
    handle.doc.getText('t').insert(0, 'guest: ')
    await handle.whenSaved()
    await until(() => page.doc.getText('t').toString() === 'guest: hello', 'seen')

    clock.advance(HOUR_MS - 60_000)
    handle.doc.getText('t').insert(0, 'still ')
    await handle.whenSaved()
    clock.advance(60_000)
    await until(() => handle.status.kind === 'refused', 'out')
    expect(handle.status).toMatchObject({ error: { code: 'FORBIDDEN' } })
    await until(
      async () => (await author.access.requests({})).requests[0]?.status === 'ended',
      'closed',
    )
    const { body } = await call({ sub: 'root', grants: adminGrants }, 'GET /v1/audit?limit=100')
    const actions = (body['events'] as { action: string }[]).map(({ action }) => action)
    expect(actions).toEqual(
      expect.arrayContaining(['request.create', 'request.approve', 'grant.create', 'request.end']),
    )
  }, 30_000)

  test('[Q15] taken back: the guest is out at once', async () => {
    const author = connect('owner', ownerGrants)
    await author.open('acme/plan').whenSynced()
    const visitor = connect('guest')
    const handle = visitor.open('acme/plan')
    await until(() => handle.status.kind === 'refused', 'refused')
    const request = await visitor.access.request({ document: 'acme/plan', role: 'viewer' })
    await author.access.decide(request.id, { decision: 'approve' })
    await until(() => handle.status.kind === 'live', 'in')
    await author.access.decide(request.id, { decision: 'revoke', reason: 'done' })
    await until(() => handle.status.kind === 'refused', 'out')
  }, 30_000)

  test('[Q16] over REST: policy, request, decision, and what is refused', async () => {
    const policy = {
      steps: [{ mode: 'any', approvers: ['owners'], timeoutMs: 60_000 }],
      ceiling: { roles: ['commenter'], maxDurationMs: HOUR_MS },
      allow: [{ subjects: ['guest*'] }],
      emergency: { who: ['user:guest'], durationMs: 60_000, reviewBy: ['owners'] },
    }
    const policyPath = '/v1/access-policies/acme%2F**'
    expect(outcome(await call(guest, `PUT ${policyPath}`, policy))).toBe('403 FORBIDDEN')
    expect(outcome(await call(owner, `GET ${policyPath}`))).toBe('404 ACCESS_POLICY_NOT_FOUND')
    const put = await call(owner, `PUT ${policyPath}`, policy)
    expect(put).toMatchObject({ status: 200, body: { pattern: 'acme/**', changedBy: 'owner' } })
    expect((await call(owner, `GET ${policyPath}`)).body).toEqual(put.body)
    const odd = { ...policy, onTimeout: 'escalate' }
    expect(outcome(await call(owner, `PUT ${policyPath}`, odd))).toBe('400 REQUEST_INVALID')

    const ask = (who: { sub: string }, more: object = {}) =>
      call(who, 'POST /v1/access-requests', { resource: 'acme/plan', role: 'viewer', ...more })
    expect(outcome(await ask({ sub: 'eve' }))).toBe('403 FORBIDDEN')
    expect(outcome(await ask(guest, { role: 'editor' }))).toBe('403 FORBIDDEN')
    expect(outcome(await ask(guest, { role: 'admin' }))).toBe('400 REQUEST_INVALID')
    const asked = await ask(guest, { durationMs: 60_000 })
    expect(asked).toMatchObject({ status: 201, body: { status: 'pending', requestedBy: 'guest' } })
    expect(outcome(await ask(guest))).toBe('409 ACCESS_REQUEST_OPEN')
    const path = `/v1/access-requests/${String(asked.body['id'])}`

    const decide = (who: typeof owner | typeof guest, body: object) =>
      call(who, `POST ${path}/decision`, body)
    expect(outcome(await decide(guest, { decision: 'approve' }))).toBe('403 FORBIDDEN')
    expect(outcome(await decide({ sub: 'eve' }, { decision: 'approve' }))).toBe(
      '404 ACCESS_REQUEST_NOT_FOUND',
    )
    const other = { sub: 'other', grants: [{ resource: 'other/**', role: 'owner' }] as Grant[] }
    expect(outcome(await decide(other, { decision: 'approve' }))).toBe(
      '404 ACCESS_REQUEST_NOT_FOUND',
    )
    expect(outcome(await decide(owner, { decision: 'approve', override: true }))).toBe(
      '400 REQUEST_INVALID',
    )
    const longer = { decision: 'approve', durationMs: HOUR_MS }
    expect(outcome(await decide(owner, longer))).toBe('403 FORBIDDEN')
    expect((await decide(owner, { decision: 'approve' })).body).toMatchObject({ status: 'granted' })
    expect(outcome(await decide(owner, { decision: 'deny' }))).toBe('409 ACCESS_REQUEST_DECIDED')
    expect((await call(guest, `GET ${path}`)).body).toMatchObject({
      status: 'granted',
      awaiting: [],
    })
    expect(outcome(await call(guest, `POST ${path}/cancel`))).toBe('409 ACCESS_REQUEST_DECIDED')

    const urgent = { resource: 'acme/other', role: 'viewer' }
    const emergency = 'POST /v1/access-requests/emergency'
    expect(outcome(await call(guest, emergency, urgent))).toBe('400 REQUEST_INVALID')
    const given = await call(guest, emergency, { ...urgent, reason: 'fire' })
    expect(given).toMatchObject({ status: 201, body: { status: 'review', emergency: true } })
    const list = async (who: typeof guest, query: string) =>
      (await call(who, `GET /v1/access-requests?${query}`)).body['requests'] as object[]
    expect(await list(guest, 'mine=true')).toHaveLength(2)
    expect(await list(owner, 'status=review')).toMatchObject([{ mayDecide: true }])
    expect(await list(owner, 'resource=acme%2Fother&status=review')).toHaveLength(1)
    expect(await list(owner, 'resource=acme%2Felsewhere')).toEqual([])
    expect(await list({ sub: 'eve' }, '')).toEqual([])
    expect(outcome(await call(owner, `DELETE ${policyPath}`))).toBe('204')
    const root = { sub: 'root', grants: adminGrants }
    expect(outcome(await call(owner, 'PUT /v1/access-policies/**', policy))).toBe('403 FORBIDDEN')
    expect(outcome(await call(root, 'PUT /v1/access-policies/**', policy))).toBe('200')
  })

  test('[Q16] asking again and again costs a 429 that says when', async () => {
    const answers: Answer[] = []
    for (let i = 0; i < 11; i++) {
      const order = { resource: `acme/${i}`, role: 'viewer' }
      answers.push(await call(guest, 'POST /v1/access-requests', order))
    }
    expect(answers.map(outcome)).toContain('429 SLOW_DOWN')
    expect(answers.at(-1)?.body['retryAfterMs']).toBeLessThanOrEqual(6_000)
  })
})
