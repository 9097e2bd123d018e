/** Signals to rooms without a document of an application: a space, and the devices of one user. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '../shared/permissions.ts'
import type { SignalEnvelope } from '../shared/signals.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const MEMBER: Grant[] = [{ resource: 'acme/plan/**', role: 'viewer' }]
const STRANGER: Grant[] = [{ resource: 'other/**', role: 'owner' }]

describe('[G8] signals to a space and to a user', () => {
  let server: TestApp
  const clients: StockClient[] = []
  const open = async (name: string, sub: string, grants: Grant[] = MEMBER) => {
    const token = await server.token(sub, { grants })
    const client = stockProvider({ url: server.syncUrl, name, token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const post = async (to: object, { sub = 'bot', grants = MEMBER } = {}) => {
    const answer = await server.fetch('/v1/signals', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ to, type: 'note', data: to }),
      sub,
      grants,
    })
    const { receivers } = (await answer.json()) as { receivers?: number }
    return answer.status === 200 ? receivers : answer.status
  }
  const heard = ({ stateless }: StockClient) =>
    stateless
      .filter(({ type }) => type === 'weft.signal')
      .map(({ signal }) => (signal as SignalEnvelope).data)

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('a space: whoever is in it, from readers too; strangers are refused', async () => {
    const [ada, bob] = [
      await open('~space/acme/plan', 'ada'),
      await open('~space/acme/plan', 'bob'),
    ]
    const to = { space: 'acme/plan' }
    expect(await post(to)).toBe(2)
    expect(await post({ ...to, user: 'bob' })).toBe(1)
    expect(await post(to, { sub: 'eve', grants: STRANGER })).toBe(403)
    ada.provider.sendStateless(
      '{"type":"weft.send","ref":1,"signal":{"type":"wave","to":{},"data":"hi"}}',
    )
    await until(() => heard(bob).length === 3, 'heard')
    expect(heard(bob)).toEqual([to, { ...to, user: 'bob' }, 'hi'])
    expect(heard(ada)).toEqual([to])
  })

  test('a user: all their devices, from themselves and from who runs the server', async () => {
    const [phone, desk] = [await open('~user/ada', 'ada'), await open('~user/ada', 'ada')]
    expect(await post({ user: 'ada' }, { sub: 'ada' })).toBe(2)
    expect(await post({ user: 'ada' }, { sub: 'eve' })).toBe(403)
    const operator: Grant[] = [{ resource: '**', role: 'operator' }]
    expect(await post({ user: 'ada' }, { sub: 'root', grants: operator })).toBe(2)
    await until(() => heard(phone).length === 2 && heard(desk).length === 2, 'heard')
  })
})
