/** Copies in the browser's IndexedDB: one database a user, shared by all tabs. */
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb'
import * as Y from 'yjs'
import { countUnsaved, mergeCopy } from './memory-store.ts'
import type {
  AsideCopy,
  CopyMeta,
  CopyRow,
  CopySummary,
  Fold,
  OfflineStore,
  StoredCopy,
} from './offline-store.ts'

type CopyRecord = CopyMeta & {
  readonly name: string
  readonly snapshot: Uint8Array | null
  readonly revision: number
}
type RowRecord = CopyRow & { readonly name: string }

interface Schema extends DBSchema {
  copies: { key: string; value: CopyRecord }
  rows: { key: number; value: RowRecord; indexes: { name: string } }
  asides: { key: number; value: Omit<AsideCopy, 'id'> }
}

type StoreName = 'copies' | 'rows' | 'asides'
type Transaction = IDBPTransaction<Schema, StoreName[], 'readwrite'>

const allStores: StoreName[] = ['copies', 'rows', 'asides']

/** Rejects when the browser has no storage for us: private windows of some, or no space at all. */
export async function openIndexedDbStore(databaseName: string): Promise<OfflineStore> {
  const database = await openDB<Schema>(databaseName, 1, {
    upgrade(db) {
      db.createObjectStore('copies', { keyPath: 'name' })
      db.createObjectStore('rows', { autoIncrement: true }).createIndex('name', 'name')
      db.createObjectStore('asides', { autoIncrement: true })
    },
    blocking(_current, _blocked, event) {
      // Another tab deletes or upgrades the database: holding on would block it for ever.
      const target = event.target as IDBDatabase | null
      target?.close()
    },
  })
  return new IndexedDbStore(database)
}

class IndexedDbStore implements OfflineStore {
  readonly #database: IDBPDatabase<Schema>

  constructor(database: IDBPDatabase<Schema>) {
    this.#database = database
  }

  async load(name: string): Promise<StoredCopy | undefined> {
    const transaction = this.#database.transaction(allStores, 'readonly')
    const record = await transaction.objectStore('copies').get(name)
    const index = transaction.objectStore('rows').index('name')
    const [rows, ids] = await Promise.all([index.getAll(name), index.getAllKeys(name)])
    await transaction.done
    if (record === undefined && rows.length === 0) return undefined
    const { incarnation, seq, snapshot, revision } = record ?? emptyRecord(name)
    return {
      incarnation,
      seq,
      snapshot,
      revision,
      rows: rows.map(({ update, unsaved }, i) => ({ id: ids[i] ?? 0, update, unsaved })),
    }
  }

  append(name: string, rows: readonly CopyRow[]): Promise<readonly number[]> {
    return this.#write(transaction => {
      const store = transaction.objectStore('rows')
      const adding = rows.map(({ update, unsaved }) => store.add({ name, update, unsaved }))
      // Not left to the event loop, which a page that is being closed has no more of.
      transaction.commit()
      return Promise.all(adding)
    })
  }

  async markSaved(_name: string, ids: readonly number[]): Promise<void> {
    await this.#write(async transaction => {
      const store = transaction.objectStore('rows')
      for (const id of ids) {
        const row = await store.get(id)
        if (row !== undefined) await store.put({ ...row, unsaved: 0 }, id)
      }
    })
  }

  async putMeta(name: string, { incarnation, seq }: CopyMeta): Promise<void> {
    await this.#write(async transaction => {
      const store = transaction.objectStore('copies')
      const record = (await store.get(name)) ?? emptyRecord(name)
      await store.put({ ...record, incarnation, seq })
    })
  }

  join(name: string, ids: readonly number[], row: CopyRow): Promise<number | null> {
    return this.#write(async transaction => {
      const rows = transaction.objectStore('rows')
      const keys = await Promise.all(ids.map(id => rows.getKey(id)))
      if (keys.every(key => key === undefined)) return null
      await Promise.all(ids.map(id => rows.delete(id)))
      return rows.add({ name, ...row })
    })
  }

  async fold(name: string, { snapshot, revision, folded }: Fold): Promise<void> {
    await this.#write(async transaction => {
      const copies = transaction.objectStore('copies')
      const rows = transaction.objectStore('rows')
      const record = (await copies.get(name)) ?? emptyRecord(name)
      // Another tab folded what this one never saw: keep that too.
      const isKnown = record.revision === revision
      const merged = isKnown ? snapshot : Y.mergeUpdates([record.snapshot ?? snapshot, snapshot])
      await copies.put({ ...record, snapshot: merged, revision: record.revision + 1 })
      await Promise.all(folded.map(id => rows.delete(id)))
    })
  }

  async list(): Promise<readonly CopySummary[]> {
    const transaction = this.#database.transaction(allStores, 'readonly')
    const [copies, rows] = await Promise.all([
      transaction.objectStore('copies').getAll(),
      transaction.objectStore('rows').getAll(),
    ])
    await transaction.done
    const names = new Set([...copies, ...rows].map(({ name }) => name))
    return Array.from(names, name => ({
      name,
      incarnation: copies.find(copy => copy.name === name)?.incarnation ?? null,
      unsaved: countUnsaved(rows.filter(row => row.name === name)),
    }))
  }

  async remove(name: string): Promise<void> {
    await this.#write(transaction => dropCopy(transaction, name))
  }

  async setAside(name: string, at: number): Promise<void> {
    await this.#write(async transaction => {
      const record = await transaction.objectStore('copies').get(name)
      const rows = await transaction.objectStore('rows').index('name').getAll(name)
      if (record === undefined && rows.length === 0) return
      await transaction.objectStore('asides').add({
        name,
        at,
        incarnation: record?.incarnation ?? null,
        unsaved: countUnsaved(rows),
        state: mergeCopy(record?.snapshot ?? null, rows),
      })
      await dropCopy(transaction, name)
    })
  }

  async asides(): Promise<readonly AsideCopy[]> {
    const transaction = this.#database.transaction('asides', 'readonly')
    const [values, keys] = await Promise.all([
      transaction.store.getAll(),
      transaction.store.getAllKeys(),
    ])
    await transaction.done
    return values.map((aside, i) => ({ id: keys[i] ?? 0, ...aside }))
  }

  async removeAside(id: number): Promise<void> {
    await this.#database.delete('asides', id)
  }

  close(): Promise<void> {
    this.#database.close()
    return Promise.resolve()
  }

  async #write<T>(action: (transaction: Transaction) => Promise<T>): Promise<T> {
    // Relaxed lets the browser answer before the disk does: half the time, and what a power cut
    // could take from this device within that moment is what the outbox sends to the server.
    const transaction = this.#database.transaction(allStores, 'readwrite', {
      durability: 'relaxed',
    })
    const [result] = await Promise.all([action(transaction), transaction.done])
    return result
  }
}

function emptyRecord(name: string): CopyRecord {
  return { name, incarnation: null, seq: 0, snapshot: null, revision: 0 }
}

async function dropCopy(transaction: Transaction, name: string): Promise<void> {
  await transaction.objectStore('copies').delete(name)
  const rows = transaction.objectStore('rows')
  const ids = await rows.index('name').getAllKeys(name)
  await Promise.all(ids.map(id => rows.delete(id)))
}
