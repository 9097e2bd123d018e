/** One document's copy on this device: written behind the edits, and kept in few rows. */
import * as Y from 'yjs'
import { findRun, type KnownRow } from './row-tiers.ts'
import type { CopyRow, OfflineStore, StoredCopy } from './offline-store.ts'

export type LocalCopyOptions = {
  readonly name: string
  readonly store: OfflineStore
  /** The document's whole state, for folding. */
  readonly encodeState: () => Uint8Array
  /** Told when all changes up to this number are on this device. */
  readonly onKept: (change: number) => void
  /** Told once when the device does not keep the copy any more; edits go on without it. */
  readonly onDegraded: (error: unknown) => void
}

/** A copy that was read with as much behind its snapshot gets a new one. */
const FOLD_AT_BYTES = 64 << 10
const FOLD_AT_ROWS = 16

export class LocalCopy {
  readonly #options: LocalCopyOptions
  /** Rows of this device that this tab has in its document, in order. */
  #rows: KnownRow[] = []
  #queued: { readonly row: CopyRow; readonly change: number }[] = []
  /** Changes up to this number are durable on the server; the store may not know yet. */
  #saved = 0
  #savedInStore = 0
  #meta: { incarnation: string; seq: number } | undefined
  #incarnationInStore: string | null = null
  #foldFrom: StoredCopy | undefined
  #writing: Promise<void> | undefined
  #degraded = false
  /** Set aside: the name belongs to another copy, and nothing of this one may get into it. */
  #retired = false

  constructor(options: LocalCopyOptions) {
    this.#options = options
  }

  /** Undefined when there is no copy. Its unsaved changes are numbered from 1 on. */
  async load(): Promise<StoredCopy | undefined> {
    try {
      const copy = await this.#options.store.load(this.#options.name)
      if (copy === undefined) return undefined
      this.#incarnationInStore = copy.incarnation
      let change = 0
      this.#rows = copy.rows.map(({ id, ...row }) => {
        change += row.unsaved
        return { id, row, change: row.unsaved === 0 ? 0 : change, tier: 0 }
      })
      const bytes = copy.rows.reduce((sum, { update }) => sum + update.byteLength, 0)
      if (bytes > FOLD_AT_BYTES || copy.rows.length > FOLD_AT_ROWS) this.#foldFrom = copy
      return copy
    } catch (error) {
      this.#degrade(error)
      return undefined
    }
  }

  /** A change made here, by its number in the outbox; 0 for one that came from the server. */
  add(update: Uint8Array, change: number): void {
    if (this.#degraded || this.#retired) return
    this.#queued.push({ row: { update, unsaved: change === 0 ? 0 : 1 }, change })
    this.#schedule()
  }

  /** Changes up to this number are durable on the server. */
  saved(change: number): void {
    this.#saved = Math.max(this.#saved, change)
    this.#schedule()
  }

  belongsTo(incarnation: string, seq: number): void {
    this.#meta = { incarnation, seq }
    this.#schedule()
  }

  /** Puts the copy out of the way of a new document of the same name. */
  async setAside(at: number): Promise<void> {
    await this.flush()
    if (this.#degraded) return
    this.#retired = true
    try {
      await this.#options.store.setAside(this.#options.name, at)
    } catch (error) {
      this.#degrade(error)
    }
  }

  /** Resolves when everything so far is in the store, or the store has failed. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  #schedule(): void {
    if (this.#degraded || this.#retired || this.#writing !== undefined) return
    this.#writing = this.#writeUntilDone()
  }

  async #writeUntilDone(): Promise<void> {
    // One microtask later, so that a burst of changes is one transaction.
    await Promise.resolve()
    try {
      while (await this.#writeOnce()) continue
    } catch (error) {
      this.#degrade(error)
    }
    this.#writing = undefined
  }

  /** What is new comes first, tidying last. True while there is more to do. */
  async #writeOnce(): Promise<boolean> {
    // Except that nothing of the server's lies in a copy that does not say whose it is: a tab that
    // dies in between would leave a copy that merges into any later document of the name.
    const isNewcomer =
      this.#meta !== undefined && this.#meta.incarnation !== this.#incarnationInStore
    if (this.#meta !== undefined && isNewcomer) return this.#putMeta(this.#meta)
    if (this.#queued.length > 0) return this.#append()
    if (this.#meta !== undefined) return this.#putMeta(this.#meta)
    if (this.#saved > this.#savedInStore) return this.#markSaved(this.#saved)
    if (this.#foldFrom !== undefined) return this.#fold(this.#foldFrom)
    const run = findRun(this.#rows)
    return run === undefined ? false : this.#join(run)
  }

  async #append(): Promise<boolean> {
    const { store, name } = this.#options
    const queued = this.#queued
    this.#queued = []
    const rows = queued.map(({ row }) => row)
    const ids = await store.append(name, rows)
    this.#rows.push(...queued.map((one, i) => ({ ...one, id: ids[i] ?? 0, tier: 0 })))
    const last = queued.findLast(({ change }) => change > 0)
    if (last !== undefined) this.#options.onKept(last.change)
    return true
  }

  async #putMeta(meta: { incarnation: string; seq: number }): Promise<boolean> {
    this.#meta = undefined
    await this.#options.store.putMeta(this.#options.name, meta)
    this.#incarnationInStore = meta.incarnation
    return true
  }

  async #markSaved(change: number): Promise<boolean> {
    const isSaved = (known: KnownRow) => known.row.unsaved > 0 && known.change <= change
    const ids = this.#rows.filter(isSaved).map(({ id }) => id)
    if (ids.length > 0) await this.#options.store.markSaved(this.#options.name, ids)
    this.#rows = this.#rows.map(known =>
      isSaved(known) ? { ...known, row: { ...known.row, unsaved: 0 } } : known,
    )
    this.#savedInStore = change
    return true
  }

  /** Once after opening: saved rows go into a new snapshot. */
  async #fold({ revision }: StoredCopy): Promise<boolean> {
    this.#foldFrom = undefined
    const { store, name, encodeState } = this.#options
    const saved = this.#rows.filter(({ row }) => row.unsaved === 0)
    if (saved.length === 0) return true
    const folded = saved.map(({ id }) => id)
    await store.fold(name, { snapshot: encodeState(), revision, folded })
    this.#rows = this.#rows.filter(({ row }) => row.unsaved > 0)
    return true
  }

  /** Neighbours become one row of the next tier. */
  async #join(run: readonly KnownRow[]): Promise<boolean> {
    const { store, name } = this.#options
    const row: CopyRow = {
      update: Y.mergeUpdates(run.map(known => known.row.update)),
      unsaved: run.reduce((sum, known) => sum + known.row.unsaved, 0),
    }
    const ids = run.map(({ id }) => id)
    const id = await store.join(name, ids, row)
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return false
    const joined = id === null ? [] : [{ id, row, change: last.change, tier: first.tier + 1 }]
    this.#rows.splice(this.#rows.indexOf(first), run.length, ...joined)
    return true
  }

  #degrade(error: unknown): void {
    if (this.#degraded) return
    this.#degraded = true
    this.#queued = []
    this.#options.onDegraded(error)
  }
}
