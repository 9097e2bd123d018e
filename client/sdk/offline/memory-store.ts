/** Copies that last as long as the process: for Node, and for tests. */
import * as Y from 'yjs'
import { assertReadable, countUnsaved, mergeReadable } from './copy-bytes.ts'
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

type Copy = {
  readonly life: string
  meta: CopyMeta
  snapshot: Uint8Array | null
  revision: number
  readonly rows: Map<number, CopyRow>
}

export class MemoryStore implements OfflineStore {
  readonly #copies = new Map<string, Copy>()
  readonly #asides = new Map<number, AsideCopy>()
  #nextId = 1

  async load(name: string): Promise<StoredCopy | undefined> {
    const copy = this.#copies.get(name)
    return copy === undefined ? undefined : storedCopy(name, copy)
  }

  async begin({ name, life }: CopyRef, meta: CopyMeta): Promise<StoredCopy> {
    const copy = this.#copies.get(name) ?? newCopy(life, meta)
    this.#copies.set(name, copy)
    return storedCopy(name, copy)
  }

  async append(ref: CopyRef, rows: readonly CopyRow[]): Promise<readonly number[]> {
    const copy = this.#copies.get(ref.name)
    if (copy?.life !== ref.life) throw new CopyGone(this.#adopt(ref, rows))
    return rows.map(row => {
      const id = this.#nextId++
      copy.rows.set(id, row)
      return id
    })
  }

  async markSaved(ref: CopyRef, ids: readonly number[]): Promise<void> {
    const { rows } = this.#copy(ref)
    for (const id of ids) {
      const row = rows.get(id)
      if (row !== undefined) rows.set(id, { ...row, unsaved: 0 })
    }
  }

  async putMeta(ref: CopyRef, meta: Partial<CopyMeta>): Promise<void> {
    const copy = this.#copy(ref)
    copy.meta = { ...copy.meta, ...meta }
  }

  async join(ref: CopyRef, { ids, row }: Join): Promise<number | null> {
    const { rows } = this.#copy(ref)
    if (!ids.every(id => rows.has(id))) return null
    for (const id of ids) rows.delete(id)
    const id = this.#nextId++
    rows.set(id, row)
    return id
  }

  async fold(ref: CopyRef, { snapshot, revision, folded }: Fold): Promise<void> {
    const copy = this.#copy(ref)
    copy.snapshot =
      copy.revision === revision || copy.snapshot === null
        ? snapshot
        : Y.mergeUpdates([copy.snapshot, snapshot])
    copy.revision += 1
    for (const id of folded) copy.rows.delete(id)
  }

  list(): Promise<readonly CopySummary[]> {
    const summaries = [...this.#copies].map(([name, { meta, rows, snapshot }]) => ({
      name,
      ...meta,
      unsaved: countUnsaved([...rows.values()]),
      bytes: [...rows.values()].reduce(
        (sum, { update }) => sum + update.byteLength,
        snapshot?.byteLength ?? 0,
      ),
    }))
    return Promise.resolve(summaries)
  }

  remove(name: string, which: 'saved' | 'any'): Promise<boolean> {
    const rows = [...(this.#copies.get(name)?.rows.values() ?? [])]
    if (which === 'saved' && countUnsaved(rows) > 0) return Promise.resolve(false)
    this.#copies.delete(name)
    return Promise.resolve(true)
  }

  setAside({ name, life }: Partial<CopyRef> & { name: string }, at: number): Promise<void> {
    const copy = this.#copies.get(name)
    if (copy === undefined || copy.life !== (life ?? copy.life)) return Promise.resolve()
    const rows = [...copy.rows.values()]
    const id = this.#nextId++
    this.#asides.set(id, {
      id,
      name,
      life: copy.life,
      at,
      incarnation: copy.meta.incarnation,
      unsaved: countUnsaved(rows),
      state: mergeReadable(copy.snapshot, rows),
    })
    this.#copies.delete(name)
    return Promise.resolve()
  }

  asides(): Promise<readonly AsideCopy[]> {
    return Promise.resolve([...this.#asides.values()])
  }

  removeAside(id: number): Promise<void> {
    this.#asides.delete(id)
    return Promise.resolve()
  }

  onLost(): () => void {
    return () => {}
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  destroy(): Promise<void> {
    this.#copies.clear()
    this.#asides.clear()
    return Promise.resolve()
  }

  #copy({ name, life }: CopyRef): Copy {
    const found = this.#copies.get(name)
    if (found?.life === life) return found
    throw new CopyGone(this.#asideOf({ name, life }) === undefined ? 'dropped' : 'aside')
  }

  /** What comes late for a copy that was set aside joins it there. */
  #adopt(ref: CopyRef, rows: readonly CopyRow[]): CopyGone['fate'] {
    const aside = this.#asideOf(ref)
    if (aside === undefined) return 'dropped'
    this.#asides.set(aside.id, {
      ...aside,
      unsaved: aside.unsaved + countUnsaved(rows),
      state: mergeReadable(aside.state, rows),
    })
    return 'aside'
  }

  #asideOf({ name, life }: CopyRef): AsideCopy | undefined {
    return [...this.#asides.values()].find(aside => aside.name === name && aside.life === life)
  }
}

function newCopy(life: string, meta: CopyMeta): Copy {
  return { life, meta, snapshot: null, revision: 0, rows: new Map() }
}

function storedCopy(name: string, { life, meta, snapshot, revision, rows }: Copy): StoredCopy {
  const stored = [...rows].map(([id, row]) => ({ id, ...row }))
  assertReadable(name, snapshot === null ? stored : [{ update: snapshot }, ...stored])
  return { ...meta, life, snapshot, revision, rows: stored }
}
