/** What is taken back ends sessions that are there: on this node before it is answered, on others as soon. */
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../shared/clock.ts'
import { syncFrame, syncStep } from '../shared/frames.ts'
import type { Grant } from '../shared/permissions.ts'
import { systemRandom } from '../shared/random.ts'
import { silentLog } from './base/log.ts'
import { createLocalFanout, LocalBus } from './fanout/local-fanout.ts'
import { noPostgres } from './access/tokens/testing/token-stores.ts'
import { Postgres } from './testing/postgres.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { startTestApp, testSecret, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const NAME = 'acme/plan'
const editor: Grant[] = [{ resource: 'acme/**', role: 'editor' }]

let clients: RawClient[] = []
const has = ({ frames }: RawClient, text: string) =>
  frames.some(bytes => Buffer.from(bytes).includes(text))
/** Whoever shows it sees the document, and lets go of nothing. */
const enter = async (server: TestApp, token: string) => {
  const client = await rawClient(server.syncUrl)
  clients.push(client)
  client.authenticate(NAME, token)
  client.send(syncFrame(NAME, syncStep.step1, Uint8Array.of(0)))
  await until(() => has(client, 'what all may see'), 'in')
  return client
}
const write = (server: TestApp, text: string) =>
  server.app.edit(NAME, { id: 'owner' }, doc => doc.getText('t').insert(0, text))
const post = async (server: TestApp, path: string, body: object, key?: string) => {
  const headers = { 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  const grants: Grant[] = [{ resource: '**', role: 'admin' }]
  const response = await (key === undefined
    ? server.fetch(path, { ...init, grants })
    : fetch(server.url + path, {
        ...init,
        headers: { ...headers, authorization: `Bearer ${key}` },
      }))
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer) }
}
type Answer = { readonly id?: string; readonly key?: string } & Partial<IssuedAnswer>
type IssuedAnswer = { readonly token: string; readonly refreshToken: string }
/** As the application makes them. */
const tokenOf = (sub: string, jti: string) =>
  new SignJWT({ grants: editor, jti })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime('5 minutes')
    .sign(new TextEncoder().encode(testSecret))
const makeKey = async (server: TestApp, scopes: string[]) => {
  const made = await post(server, '/v1/keys', { name: 'k', scopes })
  expect(made.status).toBe(201)
  return { id: made.body.id ?? '', key: made.body.key ?? '' }
}

describe('[A11] taken back, and not a byte follows', () => {
  let server: TestApp
  beforeEach(async () => {
    server = await startTestApp()
    await write(server, 'what all may see')
  })
  afterEach(async () => {
    for (const client of clients) client.close()
    clients = []
    await server.stop()
  })
  /** What is written after the answer reaches those who stay, and nobody else. */
  const endsWith = async (token: string, takeBack: () => Promise<unknown>) => {
    const [guest, other] = [
      await enter(server, token),
      await enter(server, await tokenOf('eve', 'e')),
    ]
    await takeBack()
    await write(server, 'secret')
    await until(() => has(other, 'secret'), 'written')
    await until(() => guest.told().some(({ error }) => error?.code === 'TOKEN_REVOKED'), 'told')
    expect(has(guest, 'secret')).toBe(false)
  }

  test('one token', async () => {
    await endsWith(await tokenOf('ann', 'j1'), async () =>
      expect((await post(server, '/v1/tokens/revoke', { jti: 'j1' })).status).toBe(204),
    )
  })

  test('all tokens of somebody', async () => {
    await endsWith(await tokenOf('ann', 'j1'), async () =>
      expect((await post(server, '/v1/tokens/revoke', { sub: 'ann' })).status).toBe(204),
    )
  })

  test('an API key', async () => {
    const { id, key } = await makeKey(server, ['documents:read'])
    const grants: Grant[] = [{ resource: '**', role: 'admin' }]
    await endsWith(key, async () =>
      expect((await server.fetch(`/v1/keys/${id}`, { method: 'DELETE', grants })).status).toBe(204),
    )
  })

  test('what went with a refresh token that is used again', async () => {
    const { key } = await makeKey(server, ['tokens:create'])
    const order = { sub: 'ann', grants: editor, refresh: true }
    const refresh = (refreshToken = '') => post(server, '/v1/tokens/refresh', { refreshToken })
    const first = (await post(server, '/v1/tokens', order, key)).body
    const second = (await refresh(first.refreshToken)).body
    const third = (await refresh(second.refreshToken)).body
    await endsWith(third.token ?? '', async () =>
      expect((await refresh(first.refreshToken)).status).toBe(401),
    )
  })
})

test.skipIf(noPostgres)('[A11] another node hears it over the bus', async () => {
  const postgres = await Postgres.start({ fsync: 'off' })
  const bus = new LocalBus()
  const settings = { WEFT_DATABASE_URL: await postgres.createDatabase() }
  const tools = { clock: systemClock, random: systemRandom, log: silentLog, bus }
  const start = (clock: Clock) =>
    startTestApp({ settings, parts: { clock, fanout: createLocalFanout(tools) } })
  // One that does not ask each second hears it in no other way.
  const patient: Clock = {
    ...systemClock,
    after: (ms, action) => (ms === 1_000 ? () => {} : systemClock.after(ms, action)),
  }
  const [here, there] = [await start(systemClock), await start(patient)]
  try {
    await write(there, 'what all may see')
    const guest = await enter(there, await tokenOf('ann', 'j1'))
    expect((await post(here, '/v1/tokens/revoke', { jti: 'j1' })).status).toBe(204)
    await until(() => guest.told().some(({ error }) => error?.code === 'TOKEN_REVOKED'), 'told')
  } finally {
    for (const client of clients) client.close()
    clients = []
    await Promise.all([here.stop(), there.stop()])
    await postgres.remove()
  }
})
