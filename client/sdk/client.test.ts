/** The sdk in Node, against a whole server. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { createClient, type ClientOptions, type WeftClient } from './index.ts'
import { MemoryStore } from './offline/memory-store.ts'

describe('the sdk', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const connect = (sub: string, options: Partial<ClientOptions> = {}, order = {}) => {
    const token = () => server.token(sub, order)
    const client = createClient({ url: server.url, token, offline: 'memory', ...options })
    clients.push(client)
    return client
  }
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('two clients share a document, and know when it is saved', async () => {
    const alice = connect('alice').open('demo/plan')
    const bob = connect('bob').open('demo/plan')
    await Promise.all([alice.whenSynced(), bob.whenSynced()])
    alice.doc.getText('t').insert(0, 'Hello')
    expect(alice.saved).toBe(false)
    expect(alice.state.get().save).toEqual({ kind: 'saving', changes: 1 })
    await alice.whenSaved()
    expect(alice.saved).toBe(true)
    expect(alice.state.get().save).toEqual({ kind: 'saved' })
    await until(() => bob.doc.getText('t').toString() === 'Hello', 'bob sees it')
    const head = await server.app.documents.head('demo/plan' as never)
    expect(head).toMatchObject({ seq: 1 })
  })

  test('a burst of changes travels as one update', async () => {
    const alice = connect('alice').open('a')
    await alice.whenSynced()
    for (let i = 0; i < 500; i++) alice.doc.getText('t').insert(i, 'x')
    expect(alice.state.get().unsaved).toBe(500)
    await alice.whenSaved()
    expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: 1 })
  })

  test('edits made offline arrive later, and after a restart of the client too', async () => {
    const store = new MemoryStore()
    let client = connect('alice', { offline: store })
    let alice = client.open('a')
    await alice.whenSynced()
    client.disconnect()
    expect(alice.status).toEqual({ kind: 'offline' })
    alice.doc.getText('t').insert(0, 'made offline')
    expect(alice.state.get().save).toEqual({ kind: 'offline', changes: 1, kept: 0 })
    await until(() => alice.state.get().kept === 1, 'it is on this device')
    expect(alice.state.get().save).toEqual({ kind: 'offline', changes: 1, kept: 1 })
    await client.close()
    expect(await store.list()).toMatchObject([{ name: 'a', unsaved: 1 }])

    client = connect('alice', { offline: store })
    client.disconnect()
    alice = client.open('a')
    await alice.whenLoaded()
    expect(alice.doc.getText('t').toString()).toBe('made offline')
    expect(alice.state.get().save).toEqual({ kind: 'offline', changes: 1, kept: 1 })
    client.connect()
    await alice.whenSaved()
    const bob = connect('bob').open('a')
    await bob.whenSynced()
    expect(bob.doc.getText('t').toString()).toBe('made offline')
    await until(async () => (await store.list())[0]?.unsaved === 0, 'the copy knows')
  })

  test('what is typed before the copy is read is kept', async () => {
    const alice = connect('alice').open('a')
    alice.doc.getText('t').insert(0, 'early')
    await alice.whenSaved()
    const bob = connect('bob').open('a')
    await bob.whenSynced()
    expect(bob.doc.getText('t').toString()).toBe('early')
  })

  test('what is typed and closed before the copy is read is kept too', async () => {
    const store = new MemoryStore()
    const load = store.load.bind(store)
    store.load = async name => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return load(name)
    }
    const client = connect('alice', { offline: store })
    client.disconnect()
    const hasty = client.open('a')
    hasty.doc.getText('t').insert(0, 'hasty')
    hasty.close()
    const other = client.open('b')
    other.doc.getText('t').insert(0, 'hastier')
    await client.close()
    expect(await store.list()).toMatchObject([
      { name: 'a', unsaved: 1 },
      { name: 'b', unsaved: 1 },
    ])
  })

  test('opening twice shares one document; the last close ends it', async () => {
    const client = connect('alice')
    const [one, two] = [client.open('a'), client.open('a')]
    expect(one.doc).toBe(two.doc)
    await one.whenSynced()
    one.close()
    one.close()
    two.doc.getText('t').insert(0, 'x')
    await two.whenSaved()
    two.close()
    expect(client.connection.get().kind).toBe('idle')
    const again = client.open('a')
    await again.whenSynced()
    expect(again.doc.getText('t').toString()).toBe('x')
  })

  test('closing and opening at once loses nothing', async () => {
    const client = connect('alice')
    client.disconnect()
    for (let i = 0; i < 5; i++) {
      const handle = client.open('a')
      await handle.whenLoaded()
      handle.doc.getText('t').insert(0, `${i}`)
      handle.close()
    }
    const last = client.open('a')
    await last.whenLoaded()
    expect(last.doc.getText('t').toString()).toBe('43210')
    client.connect()
    await last.whenSaved()
  })

  test('a token is asked for on each connect, and again when it is refused', async () => {
    const asked: string[] = []
    const client = connect('alice', {
      token: () => {
        asked.push('token')
        return asked.length === 1 ? server.token('alice', { ttl: -100 }) : server.token('alice')
      },
    })
    const handle = client.open('a')
    await handle.whenSynced()
    expect(asked).toHaveLength(2)
    client.disconnect()
    client.connect()
    await handle.whenSynced()
    expect(asked).toHaveLength(3)
  })

  test('a refusal is typed, and stays until the application tries again', async () => {
    let grants: object[] = []
    const client = connect('carol', {
      token: () => server.token('carol', { grants: grants as never }),
    })
    const handle = client.open('a')
    await expect(handle.whenSynced()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(handle.status).toMatchObject({ kind: 'refused', error: { code: 'FORBIDDEN' } })
    expect(handle.state.get().save).toMatchObject({ kind: 'not saving' })
    grants = [{ resource: 'a', role: 'editor' }]
    handle.retry()
    await handle.whenSynced()
    const other = client.open('b')
    await expect(other.whenSynced()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    handle.doc.getText('t').insert(0, 'unhurt')
    await handle.whenSaved()
  })

  test('a viewer sees, and is told that its edit is not saved', async () => {
    const alice = connect('alice').open('a')
    alice.doc.getText('t').insert(0, 'text')
    await alice.whenSaved()
    const grants = [{ resource: 'a', role: 'viewer' }]
    const viewer = connect('victor', {}, { grants }).open('a')
    await viewer.whenSynced()
    expect(viewer.state.get()).toMatchObject({ access: 'read', save: { kind: 'saved' } })
    viewer.doc.getText('t').insert(0, 'X')
    await expect(viewer.whenSaved()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    // It is set aside, and the viewer sees what everybody sees.
    await until(() => viewer.doc.getText('t').toString() === 'text', 'without the edit')
    expect(viewer.state.get()).toMatchObject({ unsaved: 0, notice: { code: 'FORBIDDEN' } })
    expect(alice.doc.getText('t').toString()).toBe('text')
  })

  test('a deleted document: refused, the copy stays; made anew: the copy is set aside', async () => {
    const client = connect('alice')
    const handle = client.open('a')
    handle.doc.getText('t').insert(0, 'old life')
    await handle.whenSaved()
    const oldDoc = handle.doc
    await server.fetch('/v1/documents/a', { method: 'DELETE' })
    await until(() => handle.status.kind === 'refused', 'told')
    expect(handle.status).toMatchObject({ error: { code: 'DOCUMENT_DELETED' } })
    expect(await client.offline.export('a')).toBeDefined()

    await server.fetch('/v1/documents/a', { method: 'PUT' })
    const bob = connect('bob').open('a')
    bob.doc.getText('t').insert(0, 'new life')
    await bob.whenSaved()
    handle.retry()
    await until(() => handle.doc !== oldDoc && handle.status.kind === 'live', 'anew')
    expect(handle.doc.getText('t').toString()).toBe('new life')
    expect(bob.doc.getText('t').toString()).toBe('new life')
    const [aside] = await client.offline.setAside()
    expect(aside).toMatchObject({ name: 'a' })
  })

  test('presence: seen, and seen again after a reconnect', async () => {
    const [aliceClient, bobClient] = [connect('alice'), connect('bob')]
    const alice = aliceClient.open('a')
    const bob = bobClient.open('a')
    await Promise.all([alice.whenSynced(), bob.whenSynced()])
    alice.awareness.setLocalStateField('user', { name: 'Alice' })
    const seesAlice = () => bob.awareness.getStates().has(alice.doc.clientID)
    await until(seesAlice, 'bob sees alice')
    aliceClient.disconnect()
    await until(() => !seesAlice(), 'alice left')
    expect(alice.awareness.getStates().size).toBe(1)
    aliceClient.connect()
    await until(seesAlice, 'alice is back')
    bobClient.disconnect()
    expect(bob.awareness.getStates().size).toBe(1)
  })

  test('who one is, is what the server says, unless the application says it; hiding stays hiding', async () => {
    const order = { name: 'Ada Byron', color: '#1d4ed8' }
    const open = () => connect('ada', {}, order).open('a')
    const [first, second, hidden] = [open(), open(), open()]
    second.awareness.setLocalStateField('user', { name: 'Mine' })
    hidden.awareness.setLocalState(null)
    for (const handle of [first, second, hidden]) await handle.whenSynced()
    expect(first.awareness.getLocalState()).toMatchObject({
      user: { id: 'ada', name: 'Ada Byron', color: '#1d4ed8', kind: 'user' },
    })
    expect(second.awareness.getLocalState()).toEqual({ user: { name: 'Mine' } })
    expect(hidden.awareness.getLocalState()).toBeNull()
  })

  test('a large change that the server does not take stays here, and the rest goes on', async () => {
    const client = connect('alice')
    const [large, small] = [client.open('large'), client.open('small')]
    await Promise.all([large.whenSynced(), small.whenSynced()])
    large.doc.getText('t').insert(0, 'x'.repeat(2 << 20))
    await expect(large.whenSaved()).rejects.toMatchObject({ code: 'UPDATE_TOO_LARGE' })
    expect(large.state.get().save).toMatchObject({ kind: 'not saving', changes: 1 })
    small.doc.getText('t').insert(0, 'fine')
    await small.whenSaved()
  })

  test('what is typed after a change that is too large is not called saved, until it is undone', async () => {
    const store = new MemoryStore()
    const client = connect('alice', { offline: store })
    const alice = client.open('a')
    alice.doc.getText('t').insert(0, 'before')
    await alice.whenSaved()
    alice.doc.getText('t').insert(0, 'x'.repeat(1_200_000))
    await expect(alice.whenSaved()).rejects.toMatchObject({ code: 'UPDATE_TOO_LARGE' })
    alice.doc.getText('t').insert(0, 'tail')
    await expect(alice.whenSaved()).rejects.toMatchObject({ code: 'UPDATE_TOO_LARGE' })
    expect(alice.state.get()).toMatchObject({ unsaved: 2, save: { kind: 'not saving' } })
    client.disconnect()
    client.connect()
    await until(() => alice.status.kind === 'live', 'live again')
    expect(alice.state.get().unsaved).toBe(2)
    alice.doc.getText('t').delete(4, 1_200_000)
    await until(() => alice.saved, 'it fits now')
    const bob = connect('bob').open('a')
    await bob.whenSynced()
    expect(bob.doc.getText('t').toString()).toBe('tailbefore')
  })

  test('an edit made at once counts as unsaved at once', () => {
    const alice = createClient({ url: 'http://127.0.0.1:1', token: 'x', offline: 'memory' })
    clients.push(alice)
    const handle = alice.open('a')
    handle.doc.getText('t').insert(0, 'hi')
    expect(handle.saved).toBe(false)
    expect(handle.state.get().unsaved).toBe(1)
  })

  test('destroy() cleans all, as with other providers', async () => {
    const client = connect('ada')
    const handle = client.open('a')
    await handle.whenSynced()
    handle.doc.getText('t').insert(0, 'kept')
    await handle.whenSaved()
    handle.destroy()
    await until(() => handle.state.get().closed, 'let go of')
    await client.destroy()
    expect(client.life.get()).toBe('closed')
    expect(() => client.open('a')).toThrow('this client is closed')
    await until(async () => (await server.metric('weft_connections')) === 0, 'gone')
  })

  test('without a WebSocket there is no client, and the error says what to give', () => {
    vi.stubGlobal('WebSocket', undefined)
    try {
      expect(() => connect('ada')).toThrow('give one as the option `WebSocket`')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('waiting ends when the document is closed, and a closed client opens nothing', async () => {
    const client = connect('alice')
    client.disconnect()
    const handle = client.open('a')
    handle.doc.getText('t').insert(0, 'x')
    const waiting = [handle.whenSaved(), handle.whenSynced()]
    handle.close()
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await client.close()
    expect(() => client.open('a')).toThrow(/closed/)
  })

  test('many offline changes beyond the limit of one update arrive in pieces', async () => {
    const client = connect('alice')
    const alice = client.open('a')
    await alice.whenSynced()
    client.disconnect()
    for (let i = 0; i < 30; i++) alice.doc.getText('t').insert(0, 'x'.repeat(100_000))
    client.connect()
    await alice.whenSaved()
    const bob = connect('bob').open('a')
    await bob.whenSynced()
    expect(bob.doc.getText('t').length).toBe(3_000_000)
  })
})
