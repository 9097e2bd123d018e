import 'fake-indexeddb/auto'
import { openDB } from 'idb'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
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
