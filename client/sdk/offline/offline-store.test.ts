import 'fake-indexeddb/auto'
import { openDB } from 'idb'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createClient } from '../index.ts'
import { IndexedDbStore } from './indexed-db-store.ts'
import { MemoryStore } from './memory-store.ts'
import { offlineStoreContract } from './offline-store.contract.ts'

offlineStoreContract('memory', () => Promise.resolve({ store: new MemoryStore() }))

let count = 0
offlineStoreContract('IndexedDB', () => {
  const name = `weft test ${count++}`
  const reopen = () => Promise.resolve(new IndexedDbStore(name))
  return Promise.resolve({ store: new IndexedDbStore(name), reopen })
})

test('a database of the version before is carried over', async () => {
  const old = await openDB('weft old', 1, {
    upgrade(db) {
      db.createObjectStore('copies', { keyPath: 'name' })
      db.createObjectStore('rows', { autoIncrement: true }).createIndex('name', 'name')
      db.createObjectStore('asides', { autoIncrement: true })
    },
  })
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'old')
  const update = Y.encodeStateAsUpdate(doc)
  await old.put('copies', { name: 'a', incarnation: 'i', seq: 4, snapshot: update, revision: 3 })
  await old.add('rows', { name: 'a', update, unsaved: 2 })
  await old.add('rows', { name: 'b', update, unsaved: 1 })
  old.close()
  const store = new IndexedDbStore('weft old')
  expect(await store.list()).toMatchObject([
    { name: 'a', incarnation: 'i', seq: 4, unsaved: 2, bytes: 2 * update.byteLength },
    { name: 'b', incarnation: null, unsaved: 1 },
  ])
  const copy = await store.load('a')
  expect(copy?.snapshot).toEqual(update)
  expect(copy?.rows).toMatchObject([{ unsaved: 2 }])
  await store.close()
})

test('a cold open of 10,000 changes reads at most 64 rows', async () => {
  const store = new IndexedDbStore('weft cold open')
  // Nobody is there: offline from the first to the last change.
  const options = { url: 'http://127.0.0.1:9', token: 'none', offline: store } as const
  const client = createClient(options)
  client.disconnect()
  const handle = client.open('a')
  await handle.whenLoaded()
  const text = handle.doc.getText('t')
  for (let i = 0; i < 10_000; i++) {
    text.insert(i % 7, String(i % 10))
    if (i % 50 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  const written = text.toString()
  await client.close()
  const again = new IndexedDbStore('weft cold open')
  expect((await again.load('a'))?.rows.length).toBeLessThanOrEqual(64)
  const cold = createClient({ ...options, offline: again })
  cold.disconnect()
  const startedAt = performance.now()
  const opened = cold.open('a')
  await opened.whenLoaded()
  const tookMs = performance.now() - startedAt
  expect(opened.doc.getText('t').toString()).toBe(written)
  expect(opened.state.get()).toMatchObject({ unsaved: 10_000, kept: 10_000 })
  // 60 ms on the machine this was written on; a hundred times the rows would be seconds.
  expect(tookMs).toBeLessThan(2_000)
  await cold.close()
})
