/** What the sdk does with the copies on a device, against a whole server. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { UnsentChangesError, createClient, type ClientOptions, type WeftClient } from './index.ts'
import { IndexedDbStore } from './offline/indexed-db-store.ts'
import { MemoryStore } from './offline/memory-store.ts'

describe('copies on a device', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const connect = (sub: string, options: Partial<ClientOptions> = {}, order = {}) => {
    const token = () => server.token(sub, order)
    const client = createClient({ url: server.url, token, offline: 'memory', ...options })
    clients.push(client)
    return client
  }
  const textAt = async (name: string) => {
    const reader = connect('reader').open(name)
    await reader.whenSynced()
    return reader.doc.getText('t').toString()
  }
  const editOffline = async (store: MemoryStore, names: readonly string[]) => {
    const client = connect('alice', { offline: store })
    client.disconnect()
    for (const name of names) {
      const handle = client.open(name)
      await handle.whenLoaded()
      handle.doc.getText('t').insert(0, `made offline in ${name}`)
      handle.close()
    }
    await client.close()
  }
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('five documents edited offline arrive, though only a sixth is opened', async () => {
    const store = new MemoryStore()
    const names = ['d1', 'd2', 'd3', 'd4', 'd5']
    await editOffline(store, names)
    const client = connect('alice', { offline: store })
    const sixth = client.open('d6')
    await sixth.whenSynced()
    await until(async () => (await store.list()).every(({ unsaved }) => unsaved === 0), 'all sent')
    for (const name of names) expect(await textAt(name)).toBe(`made offline in ${name}`)
    expect((await client.offline.list()).map(({ unsent }) => unsent)).toEqual([0, 0, 0, 0, 0])
  })

  test('and without opening any; nobody sees a person there', async () => {
    const store = new MemoryStore()
    const watcher = connect('bob').open('d1')
    await watcher.whenSynced()
    const seen: number[] = []
    watcher.awareness.on('change', () => seen.push(watcher.awareness.getStates().size))
    await editOffline(store, ['d1'])
    connect('alice', { offline: store })
    await until(() => watcher.doc.getText('t').length > 0, 'it arrives')
    expect(Math.max(0, ...seen)).toBeLessThanOrEqual(1)
  })

  test('what the server refuses stays, and the list says why', async () => {
    const store = new MemoryStore()
    await editOffline(store, ['secret', 'open'])
    const grants = [{ resource: 'open', role: 'editor' }]
    const client = connect('alice', { offline: store }, { grants })
    await until(async () => {
      const refused = (await client.offline.list()).find(({ name }) => name === 'secret')
      return refused?.refusal?.code === 'FORBIDDEN'
    }, 'refused')
    const list = await client.offline.list()
    expect(list.find(({ name }) => name === 'secret')).toMatchObject({ unsent: 1 })
    expect(await client.offline.export('secret')).toBeDefined()
    await until(async () => (await textAt('open')) !== '', 'the other arrived')
  })

  test('a kept document follows in the background, now and after a restart', async () => {
    const store = new MemoryStore()
    const bob = connect('bob').open('a')
    bob.doc.getText('t').insert(0, 'one')
    await bob.whenSaved()
    const client = connect('alice', { offline: store })
    await client.offline.keep('a')
    const kept = async () => {
      const copy = await client.offline.export('a')
      const doc = new Y.Doc()
      if (copy !== undefined) Y.applyUpdate(doc, copy)
      return doc.getText('t').toString()
    }
    expect(await kept()).toBe('one')
    bob.doc.getText('t').insert(3, ' two')
    await until(async () => (await kept()) === 'one two', 'it follows')
    expect(await client.offline.list()).toMatchObject([{ name: 'a', kept: true, unsent: 0 }])
    await client.close()

    bob.doc.getText('t').insert(7, ' three')
    await bob.whenSaved()
    const again = connect('alice', { offline: store })
    await until(async () => {
      const copy = await again.offline.export('a')
      const doc = new Y.Doc()
      if (copy !== undefined) Y.applyUpdate(doc, copy)
      return doc.getText('t').toString() === 'one two three'
    }, 'it follows again')
    await again.offline.unkeep('a')
    expect(await again.offline.list()).toMatchObject([{ name: 'a', kept: false }])
    await until(() => again.connection.get().kind === 'idle', 'nothing is followed')
  })

  test('a copy is forgotten, but not one with unsent changes', async () => {
    const store = new MemoryStore()
    await editOffline(store, ['a'])
    const client = connect('alice', { offline: store })
    client.disconnect()
    const refused = client.offline.forget('a')
    await expect(refused).rejects.toThrow(UnsentChangesError)
    await expect(refused).rejects.toMatchObject({
      code: 'UNSENT_CHANGES',
      documents: [{ name: 'a', unsent: 1 }],
    })
    expect(await client.offline.export('a')).toBeDefined()
    client.connect()
    await until(async () => (await store.list())[0]?.unsaved === 0, 'sent')
    await until(() => client.connection.get().kind === 'idle', 'closed')
    await client.offline.forget('a')
    expect(await client.offline.list()).toEqual([])
    expect(await textAt('a')).not.toBe('')
  })

  test('copies that nobody keeps make room, the oldest first, none with unsent changes', async () => {
    const store = new MemoryStore()
    const update = Uint8Array.of(0, 0)
    for (let i = 0; i < 230; i++) {
      const ref = { name: `d${i}`, life: 'x' }
      const kept = i === 3
      await store.begin(ref, { incarnation: 'i', seq: 1, openedAt: i, kept })
      await store.append(ref, [{ update, unsaved: i === 5 ? 1 : 0 }])
    }
    const client = connect('alice', { offline: store })
    client.disconnect()
    await until(async () => (await store.list()).length < 230, 'room')
    const left = (await store.list()).map(({ name }) => name)
    expect(left).toContain('d3')
    expect(left).toContain('d5')
    expect(left).not.toContain('d4')
    expect(left).toContain('d229')
    expect(left.length).toBe(202)
  })

  test('signing out refuses while something is unsent, and leaves no database', async () => {
    const user = 'ada of the sign-out'
    const client = connect('ada', { offline: 'indexeddb', user, tabs: 'alone' })
    const scope = `weft ${new URL(server.url).host} ${user}`
    client.disconnect()
    const handle = client.open('a')
    await handle.whenLoaded()
    handle.doc.getText('t').insert(0, 'x')
    await expect(client.signOut()).rejects.toMatchObject({ documents: [{ name: 'a', unsent: 1 }] })
    const databases = async () => (await indexedDB.databases()).map(({ name }) => name)
    expect(await databases()).toContain(scope)
    client.connect()
    await handle.whenSaved()
    await client.signOut()
    expect(client.life.get()).toBe('signed out')
    expect(client.connection.get().kind).toBe('idle')
    expect(await databases()).not.toContain(scope)
    expect(() => client.open('a')).toThrow('signed out')

    const careless = connect('ada', { offline: 'indexeddb', user, tabs: 'alone' })
    careless.disconnect()
    const lost = careless.open('b')
    await lost.whenLoaded()
    lost.doc.getText('t').insert(0, 'x')
    await careless.signOut({ force: true })
    expect(await databases()).not.toContain(scope)
  })

  test('an old copy of a deleted document never brings it back, and can be exported', async () => {
    const store = new MemoryStore()
    const first = connect('alice', { offline: store })
    const old = first.open('a')
    old.doc.getText('t').insert(0, 'old life')
    await old.whenSaved()
    await first.close()
    await editOffline(store, ['a'])
    await server.fetch('/v1/documents/a', { method: 'DELETE' })
    const second = connect('alice', { offline: store })
    await until(
      async () => (await second.offline.list())[0]?.refusal?.code === 'DOCUMENT_DELETED',
      'told',
    )
    expect(await second.offline.export('a')).toBeDefined()
    await second.close()

    await server.fetch('/v1/documents/a', { method: 'PUT' })
    const third = connect('alice', { offline: store })
    await until(async () => (await third.offline.setAside()).length === 1, 'set aside')
    const [aside] = await third.offline.setAside()
    const doc = new Y.Doc()
    Y.applyUpdate(doc, aside!.state)
    expect(doc.getText('t').toString()).toBe('made offline in aold life')
    expect(aside).toMatchObject({ unsaved: 1 })
    expect(await textAt('a')).toBe('')
  })

  test('with a store that fails, everything else works, and the changes arrive', async () => {
    const store = new IndexedDbStore('weft broken')
    store.load = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    store.list = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const client = connect('alice', { offline: store })
    const handle = client.open('a')
    await handle.whenLoaded()
    expect(handle.state.get()).toMatchObject({
      persistence: 'degraded',
      storageProblem: { reason: 'quota' },
    })
    expect(client.offline.state.get()).toMatchObject({ kind: 'degraded', reason: 'quota' })
    client.disconnect()
    handle.doc.getText('t').insert(0, 'only in memory')
    handle.close()
    // Nobody holds it, and it is not lost.
    const again = client.open('a')
    expect(again.doc.getText('t').toString()).toBe('only in memory')
    again.close()
    expect(await client.offline.list()).toMatchObject([{ name: 'a', unsent: 1 }])
    await expect(client.signOut()).rejects.toThrow(UnsentChangesError)
    client.connect()
    await until(async () => (await textAt('a')) === 'only in memory', 'it arrives')
    await until(() => client.connection.get().kind === 'idle', 'and is closed then')
  })
})
