/** The whole way of an edit, with the clients that people already have. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { stockProvider, stockSocket, stockYProvider } from './testing/stock-clients.ts'
import { until } from './testing/until.ts'

describe('stock clients', () => {
  let server: TestApp
  const clients: { destroy(): void }[] = []
  const keep = <Client extends { destroy(): void }>(client: Client) => {
    clients.push(client)
    return client
  }
  const hocuspocus = async (name: string, sub = 'alice', order = {}) =>
    keep(stockProvider({ url: server.syncUrl, name, token: await server.token(sub, order) }))
  const yWebsocket = async (name: string, sub = 'bob', order = {}) =>
    keep(stockYProvider({ url: server.yUrl, name, token: await server.token(sub, order) }))

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('two HocuspocusProviders and a WebsocketProvider share one document', async () => {
    const alice = await hocuspocus('demo/plan')
    const bob = await hocuspocus('demo/plan', 'bob')
    const carol = await yWebsocket('demo/plan', 'carol')
    alice.text.insert(0, 'Hello')
    await until(() => bob.text.toString() === 'Hello', 'bob sees it')
    await until(() => carol.text.toString() === 'Hello', 'carol sees it')
    carol.text.insert(5, ' world')
    await until(() => alice.text.toString() === 'Hello world', 'alice sees it')
    bob.text.delete(0, 6)
    await until(() => carol.text.toString() === 'world', 'carol sees the deletion')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
    await until(() => !bob.provider.hasUnsyncedChanges, 'acknowledged')
  })

  test('an acknowledged edit is in the file', async () => {
    const alice = await hocuspocus('demo/plan')
    for (let i = 0; i < 20; i++) alice.text.insert(i, 'x')
    await until(() => alice.provider.isSynced && !alice.provider.hasUnsyncedChanges, 'acknowledged')
    const response = await server.fetch('/v1/documents/demo%2Fplan')
    expect(await response.json()).toMatchObject({
      name: 'demo/plan',
      space: 'demo',
      createdBy: 'alice',
    })
    await server.app.stop()
    const again = await startTestApp({ dataDir: server.dataDir })
    const bob = keep(
      stockProvider({ url: again.syncUrl, name: 'demo/plan', token: await again.token('bob') }),
    )
    await until(() => bob.text.toString() === 'x'.repeat(20), 'read back')
    bob.destroy()
    await again.stop()
  })

  test('edits made before the connection arrive', async () => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'made offline')
    const token = await server.token('alice')
    const alice = keep(stockProvider({ url: server.syncUrl, name: 'a', token, document: doc }))
    const bob = await hocuspocus('a', 'bob')
    await until(() => bob.text.toString() === 'made offline', 'bob sees it')
    await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
  })

  test('carets travel between protocols, and leave with their owner', async () => {
    const alice = await hocuspocus('a', 'alice', { name: 'Alice' })
    const bob = await yWebsocket('a', 'bob', { name: 'Bob' })
    alice.provider.setAwarenessField('cursor', 1)
    bob.provider.awareness.setLocalStateField('cursor', 2)
    const names = (states: Map<number, { user?: { name: string } }>) =>
      [...states.values()].map(state => state.user?.name)
    const awareness = alice.provider.awareness!
    await until(() => names(bob.provider.awareness.getStates()).includes('Alice'), 'bob sees alice')
    await until(() => names(awareness.getStates()).includes('Bob'), 'alice sees bob')
    alice.destroy()
    await until(() => !names(bob.provider.awareness.getStates()).includes('Alice'), 'alice left')
  })

  test('several documents share a socket, and each is left alone', async () => {
    const socket = stockSocket(server.syncUrl)
    const token = await server.token('alice')
    const names = Array.from({ length: 20 }, (_, i) => `demo/${i}`)
    const all = names.map(name =>
      stockProvider({ url: server.syncUrl, name, token, socket, sessionAwareness: true }),
    )
    for (const [i, { text }] of all.entries()) text.insert(0, `text ${i}`)
    await until(() => all.every(({ provider }) => !provider.hasUnsyncedChanges), 'acknowledged')
    expect(server.app.documents.liveCount).toBe(20)
    all[3]!.destroy()
    all[4]!.text.insert(0, '!')
    await until(() => !all[4]!.provider.hasUnsyncedChanges, 'still acknowledged')
    for (const client of all) client.destroy()
    socket.destroy()
  })

  test('the same document twice on one socket', async () => {
    const socket = stockSocket(server.syncUrl)
    const token = await server.token('alice')
    const options = { url: server.syncUrl, name: 'twice', token, socket, sessionAwareness: true }
    const [one, two] = [stockProvider(options), stockProvider(options)]
    one.text.insert(0, 'seen')
    await until(() => two.text.toString() === 'seen', 'the other sees it')
    one.destroy()
    two.text.insert(0, 'still ')
    await until(() => !two.provider.hasUnsyncedChanges, 'acknowledged')
    two.destroy()
    socket.destroy()
  })

  test('leaving a document and coming back at once on the same socket', async () => {
    const socket = stockSocket(server.syncUrl)
    const token = await server.token('alice')
    const options = { url: server.syncUrl, name: 'again', token, socket }
    for (let round = 0; round < 10; round++) {
      const client = stockProvider(options)
      client.text.insert(0, String(round))
      if (round % 2 === 0) await until(() => !client.provider.hasUnsyncedChanges, 'acknowledged')
      client.destroy()
    }
    const last = stockProvider(options)
    await until(() => last.provider.isSynced, 'synced')
    last.text.insert(0, 'done')
    await until(() => !last.provider.hasUnsyncedChanges, 'acknowledged')
    expect(Array.from(last.text.toString()).sort().join('')).toMatch(/^02468.*deno$/)
    last.destroy()
    socket.destroy()
  })

  test('a viewer reads, and is told that writing is not allowed', async () => {
    const alice = await hocuspocus('a')
    alice.text.insert(0, 'read me')
    // A viewer makes no documents: it has to be there.
    await until(() => !alice.provider.hasUnsyncedChanges, 'saved')
    const grants = [{ resource: 'a', role: 'viewer' }]
    const viewer = await hocuspocus('a', 'victor', { grants })
    await until(() => viewer.text.toString() === 'read me', 'the viewer reads')
    await until(() => !viewer.provider.hasUnsyncedChanges, 'nothing to save')
    expect(viewer.provider.authorizedScope).toBe('readonly')
    viewer.text.insert(0, 'X')
    await until(() => viewer.stateless.length > 0, 'the viewer is told')
    expect(viewer.stateless).toMatchObject([
      { type: 'weft.error', error: { code: 'FORBIDDEN', retryable: false } },
    ])
    expect(viewer.provider.hasUnsyncedChanges).toBe(true)
    alice.text.insert(0, 'please ')
    await until(() => viewer.text.toString().includes('please '), 'the viewer still reads')
    expect(alice.text.toString()).toBe('please read me')
  })

  test('a token without a grant is refused, a viewer does not create', async () => {
    const nobody = await hocuspocus('a', 'nobody', { grants: [] })
    await until(() => nobody.failures.length > 0, 'refused')
    expect(nobody.failures).toEqual(['FORBIDDEN'])
    const viewer = await hocuspocus('a', 'v', { grants: [{ resource: '**', role: 'viewer' }] })
    await until(() => viewer.failures.length > 0, 'refused')
    expect(viewer.failures).toEqual(['DOCUMENT_NOT_FOUND'])
    const later = await hocuspocus('a')
    later.text.insert(0, 'now it is there')
    await until(() => !later.provider.hasUnsyncedChanges, 'acknowledged')
  })

  test('a deleted document: clients are told 4404 and keep their copy', async () => {
    const alice = await hocuspocus('a')
    const bob = await yWebsocket('a')
    alice.text.insert(0, 'mine')
    await until(() => bob.text.toString() === 'mine', 'shared')
    expect((await server.fetch('/v1/documents/a', { method: 'DELETE' })).status).toBe(204)
    await until(() => alice.stateless.length > 0, 'alice is told')
    expect(alice.stateless).toMatchObject([
      { type: 'weft.error', error: { code: 'DOCUMENT_DELETED', retryable: false } },
    ])
    await until(() => alice.closes.some(({ code }) => code === 4404), 'its socket says so too')
    await until(() => bob.closes.length > 0, 'bob is told')
    expect(bob.closes[0]).toEqual({ code: 4404, reason: 'DOCUMENT_DELETED' })
    expect(alice.text.toString()).toBe('mine')
    expect((await server.fetch('/v1/documents/a')).status).toBe(410)
    const late = await hocuspocus('a')
    await until(() => late.failures.length > 0, 'refused')
    expect(late.failures).toEqual(['DOCUMENT_DELETED'])
    // Stock clients ask for ever, and one that finds the name again brings its copy along.
    for (const client of [alice, bob, late]) client.destroy()
    const put = await server.fetch('/v1/documents/a', { method: 'PUT' })
    expect(put.status).toBe(201)
    expect(await put.json()).toMatchObject({ seq: 0 })
    const anew = await hocuspocus('a', 'carol')
    await until(() => anew.provider.isSynced, 'synced')
    expect(anew.text.toString()).toBe('')
  })
})
