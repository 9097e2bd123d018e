/** Several tabs on one socket: what flows, who goes, and what must never be lost by it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../shared/random.ts'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { createClient, type ClientOptions, type DocumentHandle, type WeftClient } from './index.ts'
import { MemoryStore } from './offline/memory-store.ts'
import { fakeBrowser } from './testing/fake-tabs.ts'
import { crashableTab } from './testing/test-tab.ts'

const textOf = (handle: DocumentHandle) => handle.doc.getText('t').toString()
const write = (handle: DocumentHandle, text: string) =>
  handle.doc.getText('t').insert(handle.doc.getText('t').length, text)

describe('one socket for several tabs', () => {
  let server: TestApp
  let store: MemoryStore
  let browser: ReturnType<typeof fakeBrowser>
  const clients: WeftClient[] = []
  const start = async (settings: Readonly<Record<string, string>> = {}) => {
    server = await startTestApp({ settings })
  }
  const openTab = (options: Partial<ClientOptions> = {}, latencyMs = 0) => {
    const page = crashableTab(browser.openTab(), latencyMs)
    const client = createClient({
      url: server.url,
      token: () => server.token('alice'),
      user: 'alice',
      offline: store,
      tabs: page.tab,
      WebSocket: page.WebSocket,
      ...options,
    })
    clients.push(client)
    return { ...page, client }
  }
  const openLive = async (name: string, options: Partial<ClientOptions> = {}) => {
    const tab = openTab(options)
    const handle = tab.client.open(name)
    await handle.whenSynced()
    return { ...tab, handle }
  }
  const readAs = (sub: string) => {
    const token = () => server.token(sub)
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    return client
  }
  const sockets = () => server.metric('weft_connections')
  const isLive = ({ handle }: { readonly handle: DocumentHandle }) => handle.status.kind === 'live'
  beforeEach(() => {
    store = new MemoryStore()
    browser = fakeBrowser()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('three tabs, one socket at the server, edits in all directions', async () => {
    await start()
    const tabs = [await openLive('a'), await openLive('a'), await openLive('b')]
    expect(await sockets()).toBe(1)
    const bob = readAs('bob')
    const [a, b] = [bob.open('a'), bob.open('b')]
    await Promise.all([a.whenSynced(), b.whenSynced()])
    for (const [i, { handle }] of tabs.entries()) write(handle, `tab ${i}. `)
    await Promise.all(tabs.map(({ handle }) => handle.whenSaved()))
    await until(() => textOf(a).includes('tab 0') && textOf(a).includes('tab 1'), 'both in a')
    await until(() => textOf(b) === 'tab 2. ', 'in b')
    write(a, 'from bob')
    write(b, 'from bob')
    await until(() => tabs.every(({ handle }) => textOf(handle).includes('from bob')), 'back')
    expect(tabs.map(({ opened }) => opened())).toEqual([1, 0, 0])
    expect(await sockets()).toBe(2)
  })

  test('tabs have tokens of their own: one may write, the other may not', async () => {
    await start()
    const may = (role: string) => () =>
      server.token('alice', { grants: [{ resource: 'a', role }] as never })
    const writer = await openLive('a', { token: may('editor') })
    const reader = await openLive('a', { token: may('viewer') })
    const stranger = openTab({ token: () => server.token('alice', { grants: [] }) })
    const refused = stranger.client.open('a')
    await until(() => refused.status.kind === 'refused', 'refused')
    expect(writer.handle.state.get().access).toBe('write')
    expect(reader.handle.state.get().access).toBe('read')
    expect(await sockets()).toBe(1)
  })

  test('the leader closes: the others go on within 2 s, on one socket', async () => {
    await start()
    const [one, ...rest] = [await openLive('a'), await openLive('a'), await openLive('b')]
    await one.client.close()
    const left = Date.now()
    for (const { handle } of rest) write(handle, 'in between. ')
    await until(() => !rest.some(isLive), 'noticed', 1_000)
    await until(() => rest.every(isLive), 'live again', 2_000)
    await Promise.all(rest.map(({ handle }) => handle.whenSaved()))
    expect(Date.now() - left).toBeLessThan(2_000)
    await until(async () => (await sockets()) === 1, 'one socket')
    const bob = readAs('bob').open('b')
    await bob.whenSynced()
    expect(textOf(bob)).toBe('in between. ')
  })

  test('the leader crashes: the same', async () => {
    await start()
    const [one, ...rest] = [await openLive('a'), await openLive('a'), await openLive('b')]
    one.crash()
    for (const { handle } of rest) write(handle, 'in between. ')
    await until(() => !rest.some(isLive), 'noticed', 1_000)
    await until(() => rest.every(isLive), 'live again', 2_000)
    await Promise.all(rest.map(({ handle }) => handle.whenSaved()))
    await until(async () => (await sockets()) === 1, 'one socket')
  })

  test('the leader is frozen: the others have sockets of their own until it wakes', async () => {
    await start()
    const [one, two] = [await openLive('a'), await openLive('b')]
    const wake = one.tab.freeze()
    write(two.handle, 'meanwhile')
    await until(() => two.opened() === 1, 'a socket of its own')
    await two.handle.whenSaved()
    wake()
    await until(() => isLive(one), 'the leader goes on')
    write(two.handle, ' and after')
    await two.handle.whenSaved()
    await one.client.close()
    await two.handle.whenSaved()
    expect(two.opened()).toBe(1)
  })

  test('a follower crashes: its documents are closed at the server, the others’ stay', async () => {
    await start()
    const [one, two] = [await openLive('a'), await openLive('a')]
    const bob = readAs('bob').open('a')
    await bob.whenSynced()
    two.handle.awareness.setLocalStateField('user', { name: 'Two' })
    const seen = () => bob.awareness.getStates().has(two.handle.doc.clientID)
    await until(seen, 'there')
    two.crash()
    await until(() => !seen(), 'gone', 2_000)
    expect(isLive(one)).toBe(true)
    write(one.handle, 'still here')
    await until(() => textOf(bob) === 'still here', 'sent')
  })

  test('the leader is cut off by its application: the others are not', async () => {
    await start()
    const [one, two] = [await openLive('a'), await openLive('a')]
    one.client.disconnect()
    expect(one.handle.status.kind).toBe('offline')
    expect(isLive(two)).toBe(true)
    write(two.handle, 'x')
    await two.handle.whenSaved()
    expect(await sockets()).toBe(1)
    two.client.disconnect()
    await until(async () => (await sockets()) === 0, 'nobody needs it')
    one.client.connect()
    two.client.connect()
    await until(() => isLive(one) && isLive(two), 'both are back')
    expect(await sockets()).toBe(1)
  })

  test('a tab for which there is no room takes a socket of its own', async () => {
    await start({ WEFT_MAX_DOCUMENTS_PER_CONNECTION: '3' })
    const [one, two] = [openTab(), openTab()]
    const ofOne = [one.client.open('a'), one.client.open('b')]
    await Promise.all(ofOne.map(handle => handle.whenSynced()))
    const ofTwo = ['c', 'd', 'e'].map(name => two.client.open(name))
    await Promise.all(ofTwo.map(handle => handle.whenSynced()))
    expect(await sockets()).toBe(2)
    expect([one.opened(), two.opened()]).toEqual([1, 1])
    expect(ofOne.every(handle => handle.status.kind === 'live')).toBe(true)
    // No room there either: a further one, for what does not fit.
    await two.client.open('f').whenSynced()
    expect(await sockets()).toBe(3)
    expect(ofTwo.every(handle => handle.status.kind === 'live')).toBe(true)
  })

  test('where a tab breaks the rules of the socket, it loses only its own', async () => {
    await start({ WEFT_MAX_FRAME_BYTES: '70000', WEFT_MAX_UPDATE_BYTES: '65536' })
    const [one, two] = [await openLive('a'), await openLive('b')]
    two.handle.awareness.setLocalStateField('far too much', 'x'.repeat(100_000))
    await until(() => one.opened() + two.opened() >= 3, 'sockets of their own')
    await until(() => isLive(one), 'the other goes on')
    write(one.handle, 'unharmed')
    await one.handle.whenSaved()
  })

  test('what is large goes through, both ways', async () => {
    await start()
    const [one, two] = [await openLive('a'), await openLive('b')]
    for (let i = 0; i < 12; i++) {
      write(two.handle, String(i % 10).repeat(900_000))
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    await two.handle.whenSaved()
    const three = await openLive('b')
    expect(textOf(three.handle)).toHaveLength(12 * 900_000)
    write(one.handle, 'x')
    await one.handle.whenSaved()
  })

  test('`sharedSocket: false` and lone tabs have a socket each', async () => {
    await start()
    await openLive('a', { sharedSocket: false })
    await openLive('a', { sharedSocket: false })
    await openLive('a', { tabs: 'alone' })
    expect(await sockets()).toBe(3)
  })

  const seeds = [1, 2, 3, 4, 5, 6, Date.now() % 1_000_000]
  test.each(seeds)('tabs burst, crash, close and freeze: saved is durable, SEED=%i', async seed => {
    await start()
    const random = seededRandom(seed)
    const pick = (count: number) => Math.floor(random.next() * count)
    const claims = new Map<string, number>()
    let opened = 0
    type Writer = Awaited<ReturnType<typeof openWriter>>
    const die = (writer: Pick<Writer, 'crash'> & { isOver: boolean }) => {
      writer.isOver = true
      writer.crash()
    }
    const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
    // Each writes where nobody else does: what got lost cannot come back by another tab.
    const openWriter = async () => {
      const name = `doc-${opened++}`
      const tab = openTab({}, 1 + pick(12))
      const handle = tab.client.open(name)
      await handle.whenLoaded()
      const writer = { ...tab, name, handle, typed: 0, isOver: false, dies: false }
      handle.state.subscribe(() => {
        if (writer.isOver) return
        const claimed = writer.typed - handle.state.get().unsaved
        if (claimed <= (claims.get(name) ?? 0)) return
        claims.set(name, claimed)
        // In the very moment of its claim: what it did not say by then it never will.
        if (writer.dies) die(writer)
      })
      return writer
    }
    const type = (writer: Writer) => {
      writer.typed += 1
      write(writer.handle, `${writer.typed} `)
    }
    const alive = [await openWriter(), await openWriter(), await openWriter()]
    for (let step = 0; step < 60; step++) {
      const at = pick(alive.length)
      const one = alive[at]!
      switch (pick(10)) {
        case 0:
          alive.splice(at, 1)
          one.dies = pick(3) > 0
          if (!one.dies) die(one)
          while (!one.isOver) {
            type(one)
            await pause(1 + pick(3))
          }
          alive.push(await openWriter())
          break
        case 1:
          alive.splice(at, 1)
          one.isOver = true
          await one.client.close()
          alive.push(await openWriter())
          break
        case 2: {
          const wake = one.tab.freeze()
          await pause(pick(60))
          wake()
          break
        }
        case 3:
          one.client.disconnect()
          await pause(pick(10))
          one.client.connect()
          break
        default:
          for (let i = pick(20); i >= 0; i--) type(alive[pick(alive.length)]!)
      }
      if (pick(2) === 0) await pause(pick(40))
    }
    await Promise.all(alive.map(({ handle }) => handle.whenSaved()))
    await until(() => alive.every(isLive), 'all are live')
    await until(async () => (await sockets()) === 1, 'one socket')
    for (const { name, typed } of alive) expect(claims.get(name) ?? 0).toBe(typed)
    const bob = readAs('bob')
    let checked = 0
    for (const [name, claimed] of claims) {
      const reader = bob.open(name)
      await reader.whenSynced()
      const numbers = textOf(reader).split(' ').filter(Boolean).map(Number)
      expect(numbers.slice(0, claimed)).toEqual(Array.from({ length: claimed }, (_, i) => i + 1))
      checked += claimed
      reader.close()
    }
    expect(checked).toBeGreaterThan(0)
  })
})
