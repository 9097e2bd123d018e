/** Copies in the browser's IndexedDB: one database a user, shared by all tabs. */
import * as Y from 'yjs'
import { systemClock, type Clock } from '../../../shared/clock.ts'
import { assertReadable, countUnsaved, mergeReadable } from './copy-bytes.ts'
import { Database, together, type Transaction } from './database.ts'
import type { CopyRecord, RowRecord, SnapshotRecord } from './database-schema.ts'
import {
  CopyGone,
  type AsideCopy,
  type CopyMeta,
  type CopyRef,
  type CopyRow,
  type CopySummary,
  type Fold,
  type Join,
  type OfflineStore,
  type StoredCopy,
} from './offline-store.ts'

type Writing = Transaction<'readwrite'>

export class IndexedDbStore implements OfflineStore {
  readonly #database: Database

  /** Opens nothing yet: a storage that fails, or hangs, fails its calls and not its maker. */
  constructor(name: string, clock: Clock = systemClock) {
    this.#database = new Database({ name, clock })
  }

  load(name: string): Promise<StoredCopy | undefined> {
    return this.#database.run('readonly', transaction => readCopy(transaction, name))
  }

  begin(ref: CopyRef, meta: CopyMeta): Promise<StoredCopy> {
    return this.#database.run('readwrite', async transaction => {
      const there = await readCopy(transaction, ref.name)
      if (there !== undefined) return there
      const empty = { revision: 0, snapshotBytes: 0 }
      await transaction.objectStore('copies').put({ ...ref, ...meta, ...empty })
      return { ...meta, life: ref.life, snapshot: null, revision: 0, rows: [] }
    })
  }

  async append(ref: CopyRef, rows: readonly CopyRow[]): Promise<readonly number[]> {
    const [record, ids] = await this.#database.run('readwrite', transaction => {
      const store = transaction.objectStore('rows')
      const copies = transaction.objectStore('copies')
      return together<[CopyRecord | undefined, number[], void]>(
        () => copies.get(ref.name),
        () => Promise.all(rows.map(async row => store.add(rowRecord(ref, row)))),
        // Not left to the event loop, which a page that is being closed has no more of. That is
        // also why the life is looked at afterwards.
        async () => transaction.commit(),
      )
    })
    if (record?.life === ref.life) return ids
    throw await this.#database.run('readwrite', transaction => lateRows(transaction, ref, ids))
  }

  async markSaved(ref: CopyRef, ids: readonly number[]): Promise<void> {
    await this.#write(ref, async transaction => {
      const store = transaction.objectStore('rows')
      for (const id of ids) {
        const row = await store.get(id)
        if (belongs(row, ref)) await store.put({ ...row, unsaved: 0 }, id)
      }
    })
  }

  async putMeta(ref: CopyRef, meta: Partial<CopyMeta>): Promise<void> {
    await this.#write(ref, async (transaction, record) => {
      await transaction.objectStore('copies').put({ ...record, ...meta })
    })
  }

  join(ref: CopyRef, { ids, row }: Join): Promise<number | null> {
    return this.#write(ref, async transaction => {
      const store = transaction.objectStore('rows')
      const there = await Promise.all(ids.map(async id => store.get(id)))
      if (!there.every(one => belongs(one, ref))) return null
      await Promise.all(ids.map(async id => store.delete(id)))
      return store.add(rowRecord(ref, row))
    })
  }

  async fold(ref: CopyRef, { snapshot, revision, folded }: Fold): Promise<void> {
    await this.#write(ref, async (transaction, record) => {
      const { name } = ref
      const snapshots = transaction.objectStore('snapshots')
      const rows = transaction.objectStore('rows')
      const before = record.revision === revision ? undefined : await snapshots.get(name)
      // Another tab folded what this one never saw: keep that too.
      const update = before === undefined ? snapshot : Y.mergeUpdates([before.update, snapshot])
      const there = await Promise.all(folded.map(async id => rows.get(id)))
      await snapshots.put({ name, update })
      await transaction.objectStore('copies').put({
        ...record,
        revision: record.revision + 1,
        snapshotBytes: update.byteLength,
      })
      const ours = folded.filter((_id, i) => belongs(there[i], ref))
      await Promise.all(ours.map(async id => rows.delete(id)))
    })
  }

  list(): Promise<readonly CopySummary[]> {
    return this.#database.run('readonly', async transaction => {
      const copies = await transaction.objectStore('copies').getAll()
      const facts = new Map(copies.map(({ name }) => [name, { unsaved: 0, bytes: 0 }]))
      const lives = new Map(copies.map(({ name, life }) => [name, life]))
      // The keys of an index, without the rows: nobody's text is read to count it.
      let cursor = await transaction.objectStore('rows').index('facts').openKeyCursor()
      while (cursor !== null) {
        const [name, life, unsaved, bytes] = cursor.key
        const fact = facts.get(name)
        if (fact !== undefined && lives.get(name) === life) {
          fact.unsaved += unsaved
          fact.bytes += bytes
        }
        cursor = await cursor.continue()
      }
      return copies.map(({ name, incarnation, seq, openedAt, kept, snapshotBytes }) => {
        const { unsaved = 0, bytes = 0 } = facts.get(name) ?? {}
        return { name, incarnation, seq, openedAt, kept, unsaved, bytes: bytes + snapshotBytes }
      })
    })
  }

  remove(name: string, which: 'saved' | 'any'): Promise<boolean> {
    return this.#database.run('readwrite', async transaction => {
      const record = await transaction.objectStore('copies').get(name)
      if (record === undefined) return true
      const rows = await transaction.objectStore('rows').index('name').getAll(name)
      const own = rows.filter(row => belongs(row, record))
      if (which === 'saved' && countUnsaved(own) > 0) return false
      await dropCopy(transaction, record)
      return true
    })
  }

  async setAside({ name, life }: Partial<CopyRef> & { name: string }, at: number): Promise<void> {
    await this.#database.run('readwrite', async transaction => {
      const record = await transaction.objectStore('copies').get(name)
      if (record === undefined || record.life !== (life ?? record.life)) return
      const snapshot = await transaction.objectStore('snapshots').get(name)
      const rows = (await transaction.objectStore('rows').index('name').getAll(name)).filter(row =>
        belongs(row, record),
      )
      await transaction.objectStore('asides').add({
        name,
        life: record.life,
        at,
        incarnation: record.incarnation,
        unsaved: countUnsaved(rows),
        state: mergeReadable(snapshot?.update, rows),
      })
      await dropCopy(transaction, record)
    })
  }

  asides(): Promise<readonly AsideCopy[]> {
    return this.#database.run('readonly', async transaction => {
      const store = transaction.objectStore('asides')
      const [values, keys] = await together<[Omit<AsideCopy, 'id'>[], number[]]>(
        () => store.getAll(),
        () => store.getAllKeys(),
      )
      return values.map((aside, i) => ({ id: keys[i] ?? 0, ...aside }))
    })
  }

  async removeAside(id: number): Promise<void> {
    await this.#database.run('readwrite', transaction =>
      transaction.objectStore('asides').delete(id),
    )
  }

  onLost(listener: () => void): () => void {
    return this.#database.onLost(listener)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  destroy(): Promise<void> {
    return this.#database.destroy()
  }

  async #write<T>(
    ref: CopyRef,
    action: (transaction: Writing, record: CopyRecord) => Promise<T>,
  ): Promise<T> {
    const result = await this.#database.run('readwrite', async transaction => {
      const record = await transaction.objectStore('copies').get(ref.name)
      if (record?.life !== ref.life) return { gone: await lateRows(transaction, ref, []) }
      return { done: await action(transaction, record) }
    })
    if ('gone' in result) throw result.gone
    return result.done
  }
}

function rowRecord({ name, life }: CopyRef, { update, unsaved }: CopyRow): RowRecord {
  return { name, life, update, unsaved, bytes: update.byteLength }
}

/** By name and life, not by id alone: a database that was made anew counts from 1 again. */
function belongs(row: RowRecord | undefined, { name, life }: CopyRef): row is RowRecord {
  return row !== undefined && row.name === name && row.life === life
}

async function readCopy(transaction: Transaction, name: string): Promise<StoredCopy | undefined> {
  const record = await transaction.objectStore('copies').get(name)
  if (record === undefined) return undefined
  const index = transaction.objectStore('rows').index('name')
  const snapshots = transaction.objectStore('snapshots')
  const [stored, all, ids] = await together<[SnapshotRecord | undefined, RowRecord[], number[]]>(
    () => snapshots.get(name),
    () => index.getAll(name),
    () => index.getAllKeys(name),
  )
  const { incarnation, seq, openedAt, kept, life, revision } = record
  const rows = all
    .map(({ update, unsaved, life: of }, i) => ({ id: ids[i] ?? 0, update, unsaved, of }))
    .filter(row => row.of === life)
    .map(({ id, update, unsaved }) => ({ id, update, unsaved }))
  const snapshot = stored?.update ?? null
  assertReadable(name, snapshot === null ? rows : [{ update: snapshot }, ...rows])
  return { incarnation, seq, openedAt, kept, life, snapshot, revision, rows }
}

/** Rows that came after their copy was gone join it where it was set aside, or are dropped. */
async function lateRows(
  transaction: Writing,
  ref: CopyRef,
  ids: readonly number[],
): Promise<CopyGone> {
  const rows = transaction.objectStore('rows')
  const late = (await Promise.all(ids.map(async id => rows.get(id)))).filter(row =>
    belongs(row, ref),
  )
  await Promise.all(ids.map(async id => rows.delete(id)))
  for (let cursor = await transaction.objectStore('asides').openCursor(); cursor !== null;) {
    const aside = cursor.value
    if (aside.name === ref.name && aside.life === ref.life) {
      const state = mergeReadable(aside.state, late)
      await cursor.update({ ...aside, state, unsaved: aside.unsaved + countUnsaved(late) })
      return new CopyGone('aside')
    }
    cursor = await cursor.continue()
  }
  return new CopyGone('dropped')
}

/** Rows of this life only: those of another may be late ones, on their way to where it was set aside. */
async function dropCopy(transaction: Writing, { name, life }: CopyRef): Promise<void> {
  const rows = transaction.objectStore('rows')
  // Whatever follows the life in the key: nothing sorts behind an empty list.
  const ofThisLife = IDBKeyRange.bound([name, life], [name, life, []])
  const ids = await rows.index('facts').getAllKeys(ofThisLife)
  await together(
    () => transaction.objectStore('copies').delete(name),
    () => transaction.objectStore('snapshots').delete(name),
    ...ids.map(id => () => rows.delete(id)),
  )
}
