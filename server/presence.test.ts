/** Presence over real sockets: who is shown, how often, and until when. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { colorOf } from '../shared/person.ts'
import type { TokenOrder } from './access/token-mint.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { tcpProxy } from './testing/tcp-proxy.ts'
import { stockProvider, stockYProvider, type StockClient } from './testing/stock-clients.ts'
import { until } from './testing/until.ts'

describe('who it is', () => {
  let server: TestApp
  const clients: { destroy(): void }[] = []
  const open = async (sub: string, order: Partial<TokenOrder> = {}) => {
    const token = await server.token(sub, order)
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const seen = (by: StockClient, { doc }: { doc: { clientID: number } }) =>
    by.provider.awareness?.getStates().get(doc.clientID)

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('[P8] comes from the token, over both protocols, for viewers too', async () => {
    const bob = await open('bob')
    const avatar = 'https://pictures.example/ada.png'
    const ada = await open('ada', {
      name: 'Ada',
      color: '#123456',
      avatar,
      kind: 'agent',
      grants: [{ resource: 'a', role: 'viewer' }],
    })
    ada.provider.awareness?.setLocalState({ user: { id: 'bob', name: 'Bob', x: 1 }, cursor: 1 })
    await until(() => seen(bob, ada)?.['cursor'] === 1, 'seen')
    const colors = { color: '#123456', colorLight: '#12345633' }
    const user = { id: 'ada', name: 'Ada', kind: 'agent', avatar, ...colors }
    expect(seen(bob, ada)).toEqual({ user, cursor: 1 })
    const token = await server.token('carl')
    const carl = stockYProvider({ url: server.yUrl, name: 'a', token })
    clients.push(carl)
    carl.provider.awareness.setLocalStateField('user', { name: 'Bob', color: 'red' })
    await until(() => seen(bob, carl) !== undefined, 'seen')
    expect(seen(bob, carl)).toMatchObject({
      user: { id: 'carl', name: 'carl', color: colorOf('carl'), kind: 'user' },
    })
    expect(carl.provider.awareness.getStates().get(ada.doc.clientID)).toEqual(seen(bob, ada))
  })

  test('[P8] [T9] hiding reaches the others at once, and joiners see nobody', async () => {
    const [ada, bob] = [await open('ada'), await open('bob')]
    ada.provider.setAwarenessField('cursor', 1)
    await until(() => seen(bob, ada) !== undefined, 'seen')
    ada.provider.awareness?.setLocalState(null)
    await until(() => seen(bob, ada) === undefined, 'hidden', 1_000)
    const carl = await open('carl')
    expect(seen(carl, ada)).toBeUndefined()
  })

  test.each([
    ['a colour that is a style', { color: 'red;position:fixed' }],
    ['a picture over http', { avatar: 'http://pictures.example/a.png' }],
    ['a picture that is a script', { avatar: 'javascript:alert(1)' }],
  ])('[T20] %s is not shown, and keeps nobody out', async (_what, order) => {
    const [ada, bob] = [await open('ada', order), await open('bob')]
    ada.provider.setAwarenessField('cursor', 1)
    await until(() => seen(bob, ada)?.['cursor'] === 1, 'seen')
    const { user } = seen(bob, ada) as { user: Record<string, unknown> }
    expect(user['color']).toBe(colorOf('ada'))
    expect(Object.hasOwn(user, 'avatar')).toBe(false)
  })

  test('[P8] a fresh token with another name is seen at once', async () => {
    const [ada, bob] = [await open('ada', { name: 'Ada' }), await open('bob')]
    ada.provider.setAwarenessField('cursor', 1)
    await until(() => seen(bob, ada) !== undefined, 'seen')
    ada.provider.configuration.token = await server.token('ada', { name: 'Ada Byron' })
    await ada.provider.sendToken()
    const name = () => (seen(bob, ada)?.['user'] as { name: string } | undefined)?.name
    await until(() => name() === 'Ada Byron', 'renamed', 1_000)
    ada.provider.setAwarenessField('cursor', 2)
    await until(() => seen(bob, ada)?.['cursor'] === 2, 'and goes on', 1_000)
    expect(name()).toBe('Ada Byron')
  })
})

describe('who is gone', () => {
  test.each(['silence', 'cut'] as const)(
    '[P10] [G17] a client whose network is gone (%s) is gone in ten seconds',
    async how => {
      const server = await startTestApp()
      const { port, host } = new URL(server.url)
      const proxy = await tcpProxy(Number(port))
      const open = async (url: string, sub: string) =>
        stockProvider({ url, name: 'a', token: await server.token(sub) })
      const lost = await open(server.syncUrl.replace(host, `127.0.0.1:${proxy.port}`), 'lost')
      const watcher = await open(server.syncUrl, 'watcher')
      lost.provider.setAwarenessField('cursor', 1)
      const isSeen = () => watcher.provider.awareness?.getStates().has(lost.doc.clientID) === true
      await until(isSeen, 'seen')
      // As `kill -9` does, the system says goodbye for a process; a pulled cable says nothing.
      if (how === 'cut') proxy.cut()
      else proxy.silence()
      await until(() => !isSeen(), 'gone', how === 'cut' ? 1_000 : 10_000)
      for (const client of [lost, watcher]) client.destroy()
      await proxy.close()
      await server.stop()
    },
    20_000,
  )
})
