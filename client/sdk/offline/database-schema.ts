/** What the database of a user holds, and how an older one becomes it. */
import type { DBSchema, IDBPDatabase, IDBPTransaction } from 'idb'
import type { AsideCopy, CopyMeta, CopyRef, CopyRow } from './offline-store.ts'

/** Small, so that listing all copies reads none of their text. */
export type CopyRecord = CopyRef &
  CopyMeta & { readonly revision: number; readonly snapshotBytes: number }
export type SnapshotRecord = { readonly name: string; readonly update: Uint8Array }
export type RowRecord = CopyRef & CopyRow & { readonly bytes: number }

export interface Schema extends DBSchema {
  copies: { key: string; value: CopyRecord }
  snapshots: { key: string; value: SnapshotRecord }
  rows: {
    key: number
    value: RowRecord
    indexes: { name: string; facts: [string, string, number, number] }
  }
  asides: { key: number; value: Omit<AsideCopy, 'id'> }
}

export type StoreName = 'copies' | 'snapshots' | 'rows' | 'asides'

export const DATABASE_VERSION = 2

type Upgrading = IDBPTransaction<Schema, StoreName[], 'versionchange'>

/** Not async: every request is made at once, or the transaction would end before them. */
export function upgrade(
  database: IDBPDatabase<Schema>,
  oldVersion: number,
  ...[, transaction]: [number | null, Upgrading]
): void {
  // Opening fails with it, and says so.
  transaction.done.catch(() => {})
  if (oldVersion === 0) {
    database.createObjectStore('copies', { keyPath: 'name' })
    database.createObjectStore('rows', { autoIncrement: true }).createIndex('name', 'name')
    database.createObjectStore('asides', { autoIncrement: true })
  }
  database.createObjectStore('snapshots', { keyPath: 'name' })
  transaction.objectStore('rows').createIndex('facts', ['name', 'life', 'unsaved', 'bytes'])
  if (oldVersion > 0) convertFromVersion1(transaction).catch(() => transaction.abort())
}

type RecordOfVersion1 = {
  readonly name: string
  readonly incarnation: string | null
  readonly seq: number
  readonly revision: number
  readonly snapshot: Uint8Array | null
}

/** Lives did not exist: one a name is right, as no second one can have begun. */
async function convertFromVersion1(transaction: Upgrading): Promise<void> {
  const copies = transaction.objectStore('copies')
  const rows = transaction.objectStore('rows')
  const records = (await copies.getAll()) as unknown as readonly RecordOfVersion1[]
  const [old, ids] = await Promise.all([rows.getAll(), rows.getAllKeys()])
  const known = new Map(records.map(record => [record.name, record]))
  const names = new Set([...known.keys(), ...old.map(({ name }) => name)])
  for (const name of names) {
    const { snapshot = null, ...record } = known.get(name) ?? { incarnation: null, seq: 0 }
    const snapshotBytes = snapshot?.byteLength ?? 0
    const fresh = { openedAt: 0, kept: false, life: name, revision: 0, snapshotBytes }
    await copies.put({ ...fresh, ...record, name })
    if (snapshot !== null)
      await transaction.objectStore('snapshots').put({ name, update: snapshot })
  }
  for (const [i, row] of old.entries()) {
    await rows.put({ ...row, life: row.name, bytes: row.update.byteLength }, ids[i])
  }
}
