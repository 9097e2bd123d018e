/** Fault F27: every call into IndexedDB fails in turn, hangs, or finds its database gone. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { systemClock, type Clock } from '../../../shared/clock.ts'
import { ManualClock } from '../../../shared/manual-clock.ts'
import { startTestApp, type TestApp } from '../../../server/testing/test-app.ts'
import { until } from '../../../server/testing/until.ts'
import { createClient, type WeftClient } from '../index.ts'
import { mergeCopy } from './copy-bytes.ts'
import { Database } from './database.ts'
import { IndexedDbStore } from './indexed-db-store.ts'

/** Who meets the failure of a document that is opened for the first time. */
type Noticed = 'by the document' | 'by the client' | 'by a later opening'
type CallSite = readonly [{ readonly prototype: object }, string, Noticed]

/** Every method through which the store reaches its database. */
const callSites: readonly CallSite[] = [
  [IDBFactory, 'open', 'by the document'],
  [IDBDatabase, 'transaction', 'by the document'],
  [IDBTransaction, 'objectStore', 'by the document'],
  [IDBTransaction, 'commit', 'by the document'],
  [IDBObjectStore, 'get', 'by the document'],
  [IDBObjectStore, 'add', 'by the document'],
  [IDBObjectStore, 'put', 'by the document'],
  [IDBObjectStore, 'getAll', 'by the client'],
  [IDBObjectStore, 'index', 'by the client'],
  [IDBIndex, 'openKeyCursor', 'by the client'],
  [IDBIndex, 'getAll', 'by a later opening'],
  [IDBIndex, 'getAllKeys', 'by a later opening'],
]

type Method = (...parameters: unknown[]) => unknown

/** Puts `fault` in the place of a method, until the returned function is called. */
function sabotage([type, method]: CallSite, fault: Method): () => void {
  const prototype = type.prototype as Record<string, Method>
  const original = prototype[method]!
  prototype[method] = fault
  return () => {
    prototype[method] = original
  }
}

const quota = () => {
  throw new DOMException('no room', 'QuotaExceededError')
}

/** The store is tried again after 15 s; not in a test. */
const impatientClock: Clock = {
  ...systemClock,
  after: (delayMs, action) => systemClock.after(delayMs === 15_000 ? 100 : delayMs, action),
}

describe('a storage that fails', () => {
  let server: TestApp
  let restore = () => {}
  let user = 0
  const clients: WeftClient[] = []
  const connect = (sub: string, offline: 'indexeddb' | 'memory' = 'indexeddb', order = {}) => {
    const token = () => server.token(sub, order)
    const client = createClient({
      url: server.url,
      token,
      user: sub,
      offline,
      tabs: 'alone',
      clock: impatientClock,
    })
    clients.push(client)
    return client
  }
  const arrives = async (name: string, text: string) => {
    const reader = connect('reader', 'memory').open(name)
    await until(() => reader.doc.getText('t').toString() === text, `${text} arrives`)
  }
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    restore()
    restore = () => {}
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test.each(callSites)('%o %s throws from the start: edits work and arrive', async (...site) => {
    if (site[1] === 'open') restore = sabotage(site, quota)
    const client = connect(`user ${user++}`)
    // The fake one needs its own methods for making a database.
    if (site[1] === 'transaction') await client.open('before').whenLoaded()
    if (site[1] !== 'open') restore = sabotage(site, quota)
    const handle = client.open('a')
    await handle.whenLoaded()
    handle.doc.getText('t').insert(0, 'one')
    await handle.whenSaved()
    handle.doc.getText('t').insert(3, ' two')
    await handle.whenSaved()
    await arrives('a', 'one two')
    if (site[2] === 'by the document') {
      expect(handle.state.get().persistence).toBe('degraded')
      expect(handle.state.get().storageProblem?.message).toMatch(/\w/)
    }
    if (site[2] !== 'by a later opening') {
      await until(() => client.offline.state.get().kind === 'degraded', 'the client says so')
    }
    await client.offline.list()
  })

  test.each(callSites)('%o %s throws later: nothing is lost on the way', async (...site) => {
    const name = `user ${user++}`
    const first = connect(name)
    const handle = first.open('a')
    await handle.whenSynced()
    first.disconnect()
    handle.doc.getText('t').insert(0, 'kept. ')
    await until(() => handle.state.get().kept === 1, 'kept')
    restore = sabotage(site, quota)
    handle.doc.getText('t').insert(6, 'not kept')
    handle.close()
    const again = first.open('a')
    await again.whenLoaded()
    // Either from memory, or, when the storage did take it, from there.
    first.connect()
    await until(() => again.status.kind === 'live', 'live')
    await again.whenSaved()
    restore()
    restore = () => {}
    await first.close()
    const second = connect(name)
    const read = second.open('a')
    await read.whenSaved()
    await until(() => read.doc.getText('t').toString().includes('kept. '), 'what was kept arrives')
  })

  test('it works again: everything is written, and the state says so', async () => {
    const client = connect(`user ${user++}`)
    const handle = client.open('a')
    await handle.whenSynced()
    client.disconnect()
    restore = sabotage([IDBObjectStore, 'add', 'by the document'], quota)
    handle.doc.getText('t').insert(0, 'a')
    await until(() => handle.state.get().persistence === 'degraded', 'degraded')
    expect(handle.state.get()).toMatchObject({ kept: 0, storageProblem: { reason: 'quota' } })
    expect(handle.state.get().save).toMatchObject({ kind: 'offline', changes: 1, kept: 0 })
    handle.doc.getText('t').insert(0, 'b')
    restore()
    await until(() => handle.state.get().kept === 2, 'caught up')
    expect(handle.state.get()).toMatchObject({ persistence: 'ok', storageProblem: null })
    expect(client.offline.state.get()).toEqual({ kind: 'ok' })
  })

  test('[C7] a refused edit leaves the document, and is in memory to be exported', async () => {
    const sub = `user ${user++}`
    await connect('owner', 'memory').open('a').whenSynced()
    const grants = [{ resource: 'a', role: 'viewer' }]
    const client = connect(sub, 'indexeddb', { grants })
    const handle = client.open('a')
    await handle.whenSynced()
    restore = sabotage([IDBObjectStore, 'add', 'by the document'], quota)
    const old = handle.doc
    client.disconnect()
    old.getText('t').insert(0, 'refused')
    await until(() => handle.state.get().persistence === 'degraded', 'degraded')
    client.connect()
    await until(() => handle.doc !== old, 'begun anew')
    // An editor that has not been told yet.
    old.getText('t').insert(7, ', late')
    await handle.whenSynced()
    expect(handle.doc.getText('t').toString()).toBe('')
    const copies = (await client.offline.setAside()).filter(({ id }) => id < 0)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, copies[0]!.state)
    expect(doc.getText('t').toString()).toBe('refused, late')
    expect(copies).toHaveLength(1)
    await client.offline.discard(copies[0]!.id)
    expect((await client.offline.setAside()).some(({ id }) => id < 0)).toBe(false)
  })

  test('its database is deleted by another tab: it is written again by itself', async () => {
    const sub = `user ${user++}`
    const client = connect(sub)
    const handle = client.open('a')
    await handle.whenSynced()
    handle.doc.getText('t').insert(0, 'saved. ')
    await handle.whenSaved()
    client.disconnect()
    handle.doc.getText('t').insert(7, 'unsent')
    void client.offline.keep('a')
    const scope = `weft ${new URL(server.url).host} ${sub}`
    await new Promise((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(scope)
      deletion.onsuccess = resolve
      deletion.onerror = reject
    })
    const reader = new IndexedDbStore(scope)
    await until(async () => (await reader.list())[0]?.unsaved === 1, 'rewritten')
    const copy = (await reader.load('a'))!
    const doc = new Y.Doc()
    Y.applyUpdate(doc, mergeCopy(copy.snapshot, copy.rows))
    expect(doc.getText('t').toString()).toBe('saved. unsent')
    expect(copy.incarnation).not.toBeNull()
    expect(copy.kept).toBe(true)
    await reader.close()
    expect(handle.state.get().persistence).toBe('ok')
    client.connect()
    await handle.whenSaved()
    await arrives('a', 'saved. unsent')
  })
})

describe('a storage that does not answer', () => {
  test('opening is given up after two seconds, and tried again', async () => {
    const never = { onsuccess: null, addEventListener() {}, removeEventListener() {} }
    const restore = sabotage([IDBFactory, 'open', 'by the document'], () =>
      Object.assign(Object.create(IDBOpenDBRequest.prototype) as object, never),
    )
    const clock = new ManualClock()
    const database = new Database({ name: 'hangs', clock })
    const run = () => database.run('readonly', async transaction => transaction.mode)
    const first = run()
    clock.advance(2_000)
    await expect(first).rejects.toMatchObject({ reason: 'blocked' })
    const second = run()
    clock.advance(2_000)
    await expect(second).rejects.toMatchObject({ reason: 'blocked' })
    await database.close()
    restore()
  })
})
