/** Of two tenants, two with one id are two people: neither can do anything to, or as, the other. */
import { afterEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { Grant } from '../shared/permissions.ts'
import { claimsToken } from './testing/claims-token.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const NAME = 'shared/notes'
const grants: Grant[] = [{ resource: 'shared/**', role: 'editor' }]

describe('another tenant’s user of the same id', () => {
  let server: TestApp
  const clients: StockClient[] = []
  const token = (sub: string, tenant: string) =>
    claimsToken(sub, { tenant, grants, name: `${sub} of ${tenant}` })
  const open = async (sub: string, tenant: string, { id = 0, device = '' } = {}) => {
    const document = new Y.Doc()
    if (id !== 0) document.clientID = id
    const url = `${server.syncUrl}?device=${device || tenant}`
    const client = stockProvider({ url, name: NAME, token: await token(sub, tenant), document })
    clients.push(client)
    await until(() => client.provider.isSynced || client.failures.length > 0, 'an answer')
    return client
  }
  const nameOf = ({ provider }: StockClient, clientId: number) => {
    const state = provider.awareness?.getStates().get(clientId) as { user?: { name?: string } }
    return state?.user?.name
  }
  const send = async (method: string, path: string, bearer: string, body?: object) =>
    fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('[T9] takes no presence over', async () => {
    server = await startTestApp()
    const bob = await open('bob', 'acme')
    const ada = await open('ada', 'acme', { id: 111 })
    ada.provider.setAwarenessField('here', true)
    await until(() => nameOf(bob, 111) === 'ada of acme', 'ada is seen')
    const eve = await open('ada', 'evil', { id: 111 })
    for (let i = 0; i < 5; i++) eve.provider.setAwarenessField('forged', i)
    const last = await open('zoe', 'acme', { id: 222 })
    last.provider.setAwarenessField('here', true)
    await until(() => nameOf(bob, 222) !== undefined, 'what came after it')
    eve.provider.awareness?.setLocalState(null)
    ada.provider.setAwarenessField('here', 'still')
    const stateOf = () => bob.provider.awareness?.getStates().get(111) as { here?: unknown }
    await until(() => stateOf()?.here === 'still', 'ada is still herself')
    expect(nameOf(bob, 111)).toBe('ada of acme')
    expect(stateOf()).not.toHaveProperty('forged')
  })

  test('[T9] neither ends nor renews the presence of a program', async () => {
    server = await startTestApp()
    const bob = await open('bob', 'acme')
    const path = `/v1/documents/${encodeURIComponent(NAME)}/presence/bot`
    const [own, other] = [await token('ada', 'acme'), await token('ada', 'evil')]
    const { clientId } = (await (await send('PUT', path, own, { state: { n: 1 } })).json()) as {
      clientId: number
    }
    await until(() => nameOf(bob, clientId) === 'ada of acme', 'the program is seen')
    expect((await send('PUT', path, other, { state: { n: 2 } })).status).toBe(200)
    expect((await send('DELETE', path, other)).status).toBe(204)
    const zoe = await open('zoe', 'acme', { id: 222 })
    zoe.provider.setAwarenessField('here', true)
    await until(() => nameOf(bob, 222) !== undefined, 'what came after it')
    expect(nameOf(bob, clientId)).toBe('ada of acme')
    expect(bob.provider.awareness?.getStates().get(clientId)).toMatchObject({ n: 1 })
  })

  test('gets no signals that are for them', async () => {
    server = await startTestApp()
    const bob = await open('bob', 'acme')
    const ada = await open('ada', 'acme')
    const eve = await open('ada', 'evil')
    const heard = ({ stateless }: StockClient) =>
      stateless.filter(({ type }) => type === 'weft.signal').length
    const signal = { type: 'weft.send', ref: 1, signal: { type: 'psst', to: { user: 'ada' } } }
    bob.provider.sendStateless(JSON.stringify({ ...signal, signal: { ...signal.signal, data: 1 } }))
    await until(() => heard(ada) === 1, 'heard')
    const order = { to: { document: NAME, user: 'ada' }, type: 'psst', data: 2 }
    const answer = await send('POST', '/v1/signals', await token('bob', 'acme'), order)
    expect(await answer.json()).toMatchObject({ receivers: 1 })
    await until(() => heard(ada) === 2, 'heard')
    expect(heard(eve)).toBe(0)
    // Keys of back ends are of no tenant, and speak to those of all.
    const backEnd = await claimsToken('back end', { grants })
    const all = await send('POST', '/v1/signals', backEnd, order)
    expect(await all.json()).toMatchObject({ receivers: 2 })
  })

  test('sends nobody’s devices off, and uses up nobody’s limits', async () => {
    server = await startTestApp({
      settings: {
        WEFT_MAX_DEVICES_PER_USER: '1',
        WEFT_DEVICES_WHEN_FULL: 'evict-oldest',
        WEFT_RATE_TIERS: '{"user":{"rate":0.1,"burst":20}}',
      },
    })
    const ada = await open('ada', 'acme')
    const eve = await open('ada', 'evil', { device: 'other' })
    expect([ada.closes, eve.failures]).toEqual([[], []])
    const other = await token('ada', 'evil')
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => send('GET', '/v1/spaces', other)),
    )
    expect(answers.some(({ status }) => status === 429)).toBe(true)
    expect((await send('GET', '/v1/spaces', await token('ada', 'acme'))).status).toBe(200)
  })
})
