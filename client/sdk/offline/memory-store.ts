/** Copies that last as long as the process: for Node, and for browsers that have no storage. */
import * as Y from 'yjs'
import type {
  AsideCopy,
  CopyMeta,
  CopyRow,
  CopySummary,
  Fold,
  OfflineStore,
  StoredCopy,
} from './offline-store.ts'

type Copy = {
  meta: CopyMeta
  snapshot: Uint8Array | null
  revision: number
  readonly rows: Map<number, CopyRow>
}

export class MemoryStore implements OfflineStore {
  readonly #copies = new Map<string, Copy>()
  readonly #asides = new Map<number, AsideCopy>()
  #nextId = 1

  load(name: string): Promise<StoredCopy | undefined> {
    const copy = this.#copies.get(name)
    if (copy === undefined) return Promise.resolve(undefined)
    const rows = [...copy.rows].map(([id, row]) => ({ id, ...row }))
    const { meta, snapshot, revision } = copy
    return Promise.resolve({ ...meta, snapshot, revision, rows })
  }

  append(name: string, rows: readonly CopyRow[]): Promise<readonly number[]> {
    const copy = this.#copy(name)
    const ids = rows.map(row => {
      const id = this.#nextId++
      copy.rows.set(id, row)
      return id
    })
    return Promise.resolve(ids)
  }

  markSaved(name: string, ids: readonly number[]): Promise<void> {
    const { rows } = this.#copy(name)
    for (const id of ids) {
      const row = rows.get(id)
      if (row !== undefined) rows.set(id, { ...row, unsaved: 0 })
    }
    return Promise.resolve()
  }

  putMeta(name: string, meta: CopyMeta): Promise<void> {
    this.#copy(name).meta = meta
    return Promise.resolve()
  }

  join(name: string, ids: readonly number[], row: CopyRow): Promise<number | null> {
    const { rows } = this.#copy(name)
    if (!ids.some(id => rows.has(id))) return Promise.resolve(null)
    for (const id of ids) rows.delete(id)
    const id = this.#nextId++
    rows.set(id, row)
    return Promise.resolve(id)
  }

  fold(name: string, { snapshot, revision, folded }: Fold): Promise<void> {
    const copy = this.#copy(name)
    copy.snapshot =
      copy.revision === revision || copy.snapshot === null
        ? snapshot
        : Y.mergeUpdates([copy.snapshot, snapshot])
    copy.revision += 1
    for (const id of folded) copy.rows.delete(id)
    return Promise.resolve()
  }

  list(): Promise<readonly CopySummary[]> {
    const summaries = [...this.#copies].map(([name, { meta, rows }]) => ({
      name,
      incarnation: meta.incarnation,
      unsaved: countUnsaved([...rows.values()]),
    }))
    return Promise.resolve(summaries)
  }

  remove(name: string): Promise<void> {
    this.#copies.delete(name)
    return Promise.resolve()
  }

  setAside(name: string, at: number): Promise<void> {
    const copy = this.#copies.get(name)
    if (copy === undefined) return Promise.resolve()
    const rows = [...copy.rows.values()]
    const id = this.#nextId++
    this.#asides.set(id, {
      id,
      name,
      at,
      incarnation: copy.meta.incarnation,
      unsaved: countUnsaved(rows),
      state: mergeCopy(copy.snapshot, rows),
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

  close(): Promise<void> {
    return Promise.resolve()
  }

  #copy(name: string): Copy {
    const found = this.#copies.get(name)
    if (found !== undefined) return found
    const meta = { incarnation: null, seq: 0 }
    const copy: Copy = { meta, snapshot: null, revision: 0, rows: new Map() }
    this.#copies.set(name, copy)
    return copy
  }
}

export function countUnsaved(rows: readonly CopyRow[]): number {
  return rows.reduce((sum, { unsaved }) => sum + unsaved, 0)
}

/** A whole copy as one update. */
export function mergeCopy(snapshot: Uint8Array | null, rows: readonly CopyRow[]): Uint8Array {
  const updates = rows.map(({ update }) => update)
  return Y.mergeUpdates(snapshot === null ? updates : [snapshot, ...updates])
}
