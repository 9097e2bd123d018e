import 'fake-indexeddb/auto'
import { openIndexedDbStore } from './indexed-db-store.ts'
import { MemoryStore } from './memory-store.ts'
import { offlineStoreContract } from './offline-store.contract.ts'

offlineStoreContract('memory', () => Promise.resolve({ store: new MemoryStore() }))

let count = 0
offlineStoreContract('IndexedDB', async () => {
  const name = `weft test ${count++}`
  return { store: await openIndexedDbStore(name), reopen: () => openIndexedDbStore(name) }
})
