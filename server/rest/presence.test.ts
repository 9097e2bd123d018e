/** Presence over REST: programs that are on documents, and who is where. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '../../shared/permissions.ts'
import type { PresentPerson } from '../../shared/presence.ts'
import type { TokenOrder } from '../access/token-mint.ts'
import { stockProvider, type StockClient } from '../testing/stock-clients.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

const DOCUMENT = '/v1/documents/acme%2Fnotes'
const READER: Grant[] = [{ resource: 'acme/notes', role: 'viewer' }]

describe('presence over REST', () => {
  let server: TestApp
  const clients: { destroy(): void }[] = []
  const open = async (sub: string, { name = 'acme/notes', ...order }: Partial<TokenOrder> = {}) => {
    const token = await server.token(sub, order)
    const client = stockProvider({ url: server.syncUrl, name, token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const put = (id: string, body: object, sub = 'bot', grants?: Grant[]) =>
    server.fetch(`${DOCUMENT}/presence/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      sub,
      ...(grants === undefined ? {} : { grants }),
    })
  const remove = (id: string, sub = 'bot') =>
    server.fetch(`${DOCUMENT}/presence/${id}`, { method: 'DELETE', sub })
  const people = async (options = {}) => {
    const answer = await server.fetch(`${DOCUMENT}/presence`, options)
    return ((await answer.json()) as { people: readonly PresentPerson[] }).people
  }
  const user = async (id: string, options = {}) => {
    const answer = await server.fetch(`/v1/users/${id}/presence`, options)
    return (await answer.json()) as {
      status: string
      lastSeenAt: number | null
      documents: object[]
    }
  }
  const others = ({ provider, doc }: StockClient) =>
    [...(provider.awareness?.getStates() ?? [])]
      .filter(([clientId]) => clientId !== doc.clientID)
      .map(([, state]) => state)

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('[P12] a program is shown as its token says, changes, and leaves', async () => {
    const ada = await open('ada')
    const state = { activity: { kind: 'summarising', target: 'chapter-1' }, user: { name: 'Ada' } }
    const made = await put('one', { state, ttlMs: 60_000 })
    expect(made.status).toBe(200)
    await until(() => others(ada).length === 1, 'seen')
    expect(others(ada)).toMatchObject([
      { activity: state.activity, user: { id: 'bot', name: 'bot' } },
    ])
    expect((await put('one', { state: { status: 'busy' } })).status).toBe(200)
    await until(() => others(ada)[0]?.['status'] === 'busy', 'changed')
    expect((await put('two', { state: {} })).status).toBe(200)
    await until(() => others(ada).length === 2, 'twice')
    expect(await people()).toMatchObject([{ id: 'ada' }, { id: 'bot', devices: 2, status: 'busy' }])
    for (const id of ['one', 'two', 'none']) expect((await remove(id)).status).toBe(204)
    await until(() => others(ada).length === 0, 'gone')
  })

  test('[P12] it is gone when its time is over, and the document may leave the memory', async () => {
    const ada = await open('ada')
    await put('one', { state: {}, ttlMs: 1_000 })
    await until(() => others(ada).length === 1, 'seen')
    await until(() => others(ada).length === 0, 'gone by itself', 3_000)
  })

  test('[P12] nobody ends or overwrites the presence of somebody else', async () => {
    const ada = await open('ada')
    await put('one', { state: { x: 1 } })
    await until(() => others(ada).length === 1, 'seen')
    expect((await remove('one', 'mallory')).status).toBe(204)
    expect((await put('one', { state: { x: 2 } }, 'mallory')).status).toBe(200)
    await until(() => others(ada).length === 2, 'one of their own')
    expect(others(ada)).toContainEqual(expect.objectContaining({ x: 1 }))
  })

  test('[P12] who may only read is not shown, a missing document is not made', async () => {
    expect((await put('one', { state: {} })).status).toBe(404)
    await open('ada')
    expect((await put('one', { state: {} }, 'reader', READER)).status).toBe(403)
    expect((await put('one', { state: { x: 'x'.repeat(5_000) } })).status).toBe(413)
    expect((await put('one', { state: { status: 'asleep' } })).status).toBe(400)
    expect((await put('one', { state: {}, ttlMs: 1 })).status).toBe(400)
    expect((await put('a b', { state: {} })).status).toBe(400)
    expect((await people()).map(({ id }) => id)).toEqual(['ada'])
  })

  test('[P12] a program that is sent off, or whose access ends, is not shown', async () => {
    const ada = await open('ada')
    await put('one', { state: {} })
    await until(() => others(ada).length === 1, 'seen')
    server.app.disconnect({ user: 'bot' })
    await until(() => others(ada).length === 0, 'sent off')
    const made = await server.fetch('/v1/grants', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ subject: 'user:guest', resource: 'acme/notes', role: 'commenter' }),
    })
    const { id } = (await made.json()) as { id: string }
    expect((await put('one', { state: {} }, 'guest', [])).status).toBe(200)
    await until(() => others(ada).length === 1, 'seen')
    await server.fetch(`/v1/grants/${id}`, { method: 'DELETE' })
    await until(() => others(ada).length === 0, 'its access has ended')
  })

  test('[P12] a document that ends takes its programs along', async () => {
    await open('ada')
    expect((await put('a', { state: {} })).status).toBe(200)
    expect((await server.fetch(DOCUMENT, { method: 'DELETE' })).status).toBe(204)
    expect((await put('a', { state: {} })).status).toBe(410)
    expect((await user('bot')).documents).toEqual([])
    expect((await server.fetch(DOCUMENT, { method: 'PUT' })).status).toBe(201)
    expect((await put('a', { state: {} })).status).toBe(200)
    const late = await open('late')
    await until(() => others(late).length === 1, 'seen in the document of now')
  })

  test('[P11] several devices are one person; who hides is not there', async () => {
    const [one, two, bob] = [await open('ada'), await open('ada'), await open('bob')]
    one.provider.awareness?.setLocalState({ status: 'away', viewing: 'top' })
    two.provider.awareness?.setLocalState({ typing: true, viewing: 'end' })
    bob.provider.awareness?.setLocalState(null)
    const isTold = async () => (await people()).length === 1 && (await people())[0]?.typing === true
    await until(isTold, 'told')
    const ada = { id: 'ada', status: 'online', devices: 2, typing: true, viewing: ['end', 'top'] }
    expect(await people({ grants: READER })).toMatchObject([ada])
  })

  test('[P13] last seen: kept over a restart, and told to readers of that document alone', async () => {
    const ada = await open('ada')
    ada.provider.setAwarenessField('status', 'busy')
    const isBusy = async () => (await user('ada')).status === 'busy'
    await until(isBusy, 'busy')
    expect((await user('ada')).documents).toMatchObject([{ name: 'acme/notes', status: 'busy' }])
    const strangers: Grant[] = [{ resource: 'other/**', role: 'owner' }]
    const nothing = { status: 'offline', documents: [], lastSeenAt: null }
    expect(await user('ada', { grants: strangers })).toMatchObject(nothing)
    const before = Date.now()
    ada.destroy()
    await until(async () => (await user('ada')).status === 'offline', 'left')
    const { lastSeenAt } = await user('ada', { grants: READER })
    expect(lastSeenAt).toBeGreaterThanOrEqual(before - 10)
    await server.app.stop()
    const again = await startTestApp({ dataDir: server.dataDir })
    const path = '/v1/users/ada/presence'
    const later = async (grants: Grant[]): Promise<unknown> =>
      (await again.fetch(path, { grants })).json()
    expect(await later(READER)).toMatchObject({ status: 'offline', lastSeenAt })
    expect(await later(strangers)).toMatchObject(nothing)
    await again.stop()
  })
})
