/** Several tabs of one user: in step without a server, one leader, no change counted or lost twice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../shared/random.ts'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { createClient, type DocumentHandle, type WeftClient } from './index.ts'
import { MemoryStore } from './offline/memory-store.ts'
import { fakeBrowser, type FakeTab } from './testing/fake-tabs.ts'

const textOf = (handle: DocumentHandle) => handle.doc.getText('t').toString()

describe('tabs', () => {
  let server: TestApp
  let store: MemoryStore
  let browser: ReturnType<typeof fakeBrowser>
  const clients: WeftClient[] = []
  const openTab = (options: { readonly isCut?: boolean } = {}) => {
    const tab: FakeTab = browser.openTab()
    const token = () => server.token('alice')
    const client = createClient({
      url: server.url,
      token,
      user: 'alice',
      offline: store,
      tabs: tab,
    })
    clients.push(client)
    if (options.isCut === true) client.disconnect()
    return { client, tab }
  }
  const openCut = async (name: string) => {
    const { client, tab } = openTab({ isCut: true })
    const handle = client.open(name)
    await handle.whenLoaded()
    return { client, tab, handle }
  }
  beforeEach(async () => {
    server = await startTestApp()
    store = new MemoryStore()
    browser = fakeBrowser()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('two offline tabs converge, both ways, with deletes, and store each change once', async () => {
    const [one, two] = [await openCut('a'), await openCut('a')]
    one.handle.doc.getText('t').insert(0, 'from one. ')
    await until(() => textOf(two.handle) === 'from one. ', 'two sees it')
    two.handle.doc.getText('t').insert(10, 'from two')
    await until(() => textOf(one.handle) === 'from one. from two', 'one sees it')
    one.handle.doc.getText('t').delete(0, 5)
    await until(() => textOf(two.handle) === 'one. from two', 'two sees the deletion')
    await until(async () => (await store.list())[0]?.unsaved === 3, 'stored')
    expect(one.handle.state.get().unsaved + two.handle.state.get().unsaved).toBe(3)
    const rows = (await store.load('a'))!.rows
    expect(rows).toHaveLength(3)
  })

  test('what was there before a tab came is there for both', async () => {
    const one = await openCut('a')
    one.handle.doc.getText('t').insert(0, 'early')
    const two = await openCut('a')
    await until(() => textOf(two.handle) === 'early', 'two has it')
  })

  test('each sees the other’s presence without a server, and its end', async () => {
    const [one, two] = [await openCut('a'), await openCut('a')]
    one.handle.awareness.setLocalStateField('user', { name: 'Alice' })
    const seen = () => two.handle.awareness.getStates().get(one.handle.doc.clientID)
    await until(() => seen()?.['user'] !== undefined, 'seen')
    two.handle.awareness.setLocalStateField('user', { name: 'Other' })
    await until(() => one.handle.awareness.getStates().size === 2, 'both')
    one.tab.kill()
    await until(() => seen() === undefined, 'gone')
  })

  test('both go online: the server has each change once, and both know', async () => {
    const [one, two] = [await openCut('a'), await openCut('a')]
    one.handle.doc.getText('t').insert(0, 'x')
    await until(() => textOf(two.handle) === 'x', 'two sees it')
    two.handle.doc.getText('t').insert(1, 'y')
    await until(() => textOf(one.handle) === 'xy', 'one sees it')
    one.client.connect()
    two.client.connect()
    await Promise.all([one.handle.whenSaved(), two.handle.whenSaved()])
    await until(async () => (await store.list())[0]?.unsaved === 0, 'marked')
    const token = () => server.token('bob')
    const bob = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(bob)
    const reader = bob.open('a')
    await reader.whenSynced()
    expect(textOf(reader)).toBe('xy')
  })

  test('what a tab that crashed had stored is sent by the one that is left', async () => {
    const one = openTab()
    const [survivor, lost] = [one.client.open('a'), await openCut('a')]
    await survivor.whenSynced()
    lost.handle.doc.getText('t').insert(0, 'of the lost')
    lost.client.open('b').doc.getText('t').insert(0, 'too')
    await until(async () => (await store.list()).every(({ unsaved }) => unsaved === 1), 'stored')
    lost.tab.kill()
    await until(async () => (await store.list()).every(({ unsaved }) => unsaved === 0), 'sent')
    expect((await store.list()).length).toBe(2)
  })

  test('the next tab leads when the leader goes', async () => {
    const [one, two] = [await openCut('a'), await openCut('a')]
    const third = await openCut('a')
    third.handle.doc.getText('t').insert(0, 'unsent')
    await until(async () => (await store.list())[0]?.unsaved === 1, 'stored')
    one.tab.kill()
    third.tab.kill()
    two.client.connect()
    await until(async () => (await store.list())[0]?.unsaved === 0, 'the second took over')
  })

  test('a document made anew: the tab that is offline sets nothing of the old one before it', async () => {
    const one = openTab()
    const first = one.client.open('a')
    first.doc.getText('t').insert(0, 'old')
    await first.whenSaved()
    const two = await openCut('a')
    await until(() => textOf(two.handle) === 'old', 'two has it')
    one.client.disconnect()
    await server.fetch('/v1/documents/a', { method: 'DELETE' })
    await server.fetch('/v1/documents/a', { method: 'PUT' })
    one.client.connect()
    await until(() => textOf(first) === '' && first.status.kind === 'live', 'anew in one')
    await until(() => textOf(two.handle) === '', 'anew in two')
    two.handle.doc.getText('t').insert(0, 'new')
    await until(() => textOf(first) === 'new', 'both in the new one')
    expect(await one.client.offline.setAside()).toHaveLength(1)
  })

  test('signing out ends all tabs, and none of them writes again', async () => {
    const [one, two] = [openTab(), openTab()]
    const [a, b] = [one.client.open('a'), two.client.open('a')]
    await Promise.all([a.whenSynced(), b.whenSynced()])
    b.doc.getText('t').insert(0, 'x')
    await b.whenSaved()
    await until(async () => (await store.list())[0]?.unsaved === 0, 'stored')
    await one.client.signOut()
    expect(two.client.life.get()).toBe('signed out')
    expect(two.client.connection.get().kind).toBe('idle')
    b.doc.getText('t').insert(0, 'too late')
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(await store.list()).toEqual([])
  })

  test('what a newer version of the page says is passed over', async () => {
    const { handle } = await openCut('a')
    const channel = browser.openTab().openChannel(`weft ${new URL(server.url).host} alice`)
    for (const data of [null, 'x', { from: 'y' }, { from: 'y', message: { type: 'later' } }]) {
      channel.postMessage(data)
    }
    await new Promise(resolve => setTimeout(resolve, 10))
    expect(handle.state.get().loaded).toBe(true)
  })

  const seeds = [1, 2, 3, 4, 5, 6, Date.now() % 1_000_000]
  test.each(seeds)(
    'tabs come, go, crash, and are cut off: all is sent, once, SEED=%i',
    async seed => {
      const random = seededRandom(seed)
      const pick = (count: number) => Math.floor(random.next() * count)
      const alive = [await openCut('a'), await openCut('a')]
      const typed: string[] = []
      const settle = () =>
        until(async () => {
          const texts = alive.map(({ handle }) => textOf(handle))
          return texts.every(text => text === texts[0]) && texts[0]!.length >= typed.length
        }, 'the tabs agree')
      for (let step = 0; step < 40; step++) {
        const one = alive[pick(alive.length)]!
        switch (pick(7)) {
          case 0:
            one.client.connect()
            break
          case 1:
            one.client.disconnect()
            break
          case 2:
            if (alive.length < 4) alive.push(await openCut('a'))
            break
          case 3: {
            // Not before its last words were heard: what only a crashed tab knew is gone.
            if (alive.length === 1) break
            await settle()
            alive.splice(alive.indexOf(one), 1)
            if (pick(2) === 0) await one.client.close()
            else {
              await until(
                async () => one.handle.state.get().kept >= one.handle.state.get().unsaved,
                'kept',
              )
              one.client.disconnect()
              one.tab.kill()
            }
            break
          }
          default: {
            const letter = String.fromCodePoint(0x4e00 + typed.length)
            typed.push(letter)
            const { doc } = one.handle
            doc.getText('t').insert(pick(doc.getText('t').length + 1), letter)
          }
        }
        if (pick(3) === 0) await new Promise(resolve => setTimeout(resolve, pick(20)))
      }
      for (const { client } of alive) client.connect()
      await until(async () => (await store.list())[0]?.unsaved === 0, 'all is sent')
      await settle()
      const bob = createClient({
        url: server.url,
        token: () => server.token('bob'),
        offline: 'memory',
      })
      clients.push(bob)
      const reader = bob.open('a')
      await reader.whenSynced()
      expect(Array.from(textOf(reader)).sort()).toEqual(typed.sort())
      expect(textOf(alive[0]!.handle)).toBe(textOf(reader))
    },
  )
})
