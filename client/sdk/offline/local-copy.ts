/** One document's copy on this device: written behind the edits, folded now and then. */
import * as Y from 'yjs'
import type { CopyRow, OfflineStore, StoredRow } from './offline-store.ts'

export type LoadedCopy = {
  readonly incarnation: string | null
  readonly snapshot: Uint8Array | null
  readonly rows: readonly StoredRow[]
}

export type LocalCopyOptions = {
  readonly name: string
  readonly store: OfflineStore
  /** The document's whole state, for folding. */
  readonly encodeState: () => Uint8Array
  /** Told once when the device does not keep the copy any more; edits go on without it. */
  readonly onDegraded: (error: unknown) => void
}

/** As many rows make opening slow enough to fold them. */
const ROWS_MAX = 64

type Known = { readonly id: number; readonly row: CopyRow; readonly change: number }

export class LocalCopy {
  readonly #options: LocalCopyOptions
  /** Rows of this device that this tab has in its document, in order. */
  #rows: Known[] = []
  #queued: { readonly row: CopyRow; readonly change: number }[] = []
  #saved = 0
  #savedInStore = 0
  #meta: { incarnation: string; seq: number } | undefined
  #writing: Promise<void> | undefined
  #degraded = false

  constructor(options: LocalCopyOptions) {
    this.#options = options
  }

  /** Undefined when there is no copy. `change` of an unsaved row is the number it gets here. */
  async load(): Promise<LoadedCopy | undefined> {
    try {
      const copy = await this.#options.store.load(this.#options.name)
      if (copy === undefined) return undefined
      let change = 0
      this.#rows = copy.rows.map(({ id, ...row }) => {
        change += row.unsaved
        return { id, row, change: row.unsaved === 0 ? 0 : change }
      })
      return copy
    } catch (error) {
      this.#degrade(error)
      return undefined
    }
  }

  /** A change made here, by its number in the outbox; 0 for one that came from the server. */
  add(update: Uint8Array, change: number): void {
    if (this.#degraded) return
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
    if (this.#degraded || this.#writing !== undefined) return
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

  /** True while there is more to write. */
  async #writeOnce(): Promise<boolean> {
    const { store, name } = this.#options
    if (this.#queued.length > 0) {
      const queued = this.#queued
      this.#queued = []
      const ids = await store.append(
        name,
        queued.map(({ row }) => row),
      )
      this.#rows.push(...queued.map((one, i) => ({ ...one, id: ids[i] ?? 0 })))
      return true
    }
    if (this.#meta !== undefined) {
      const meta = this.#meta
      this.#meta = undefined
      await store.putMeta(name, meta)
      return true
    }
    if (this.#saved > this.#savedInStore) {
      await this.#markSaved(this.#saved)
      return true
    }
    if (this.#rows.length <= ROWS_MAX) return false
    await this.#compact()
    return true
  }

  async #markSaved(change: number): Promise<void> {
    const isSaved = (known: Known) => known.row.unsaved > 0 && known.change <= change
    const ids = this.#rows.filter(isSaved).map(({ id }) => id)
    if (ids.length > 0) await this.#options.store.markSaved(this.#options.name, ids)
    this.#rows = this.#rows.map(known =>
      isSaved(known) ? { ...known, row: { ...known.row, unsaved: 0 } } : known,
    )
    this.#savedInStore = change
  }

  async #compact(): Promise<void> {
    const { store, name, encodeState } = this.#options
    const folded = this.#rows.filter(({ row }) => row.unsaved === 0)
    const unsaved = this.#rows.filter(({ row }) => row.unsaved > 0)
    const last = unsaved.at(-1)
    const row: CopyRow = {
      update:
        unsaved.length > 1
          ? Y.mergeUpdates(unsaved.map(known => known.row.update))
          : new Uint8Array(),
      unsaved: unsaved.reduce((sum, known) => sum + known.row.unsaved, 0),
    }
    const id = await store.compact(name, {
      snapshot: encodeState(),
      folded: folded.map(known => known.id),
      unsaved: unsaved.length > 1 ? { ids: unsaved.map(known => known.id), row } : null,
    })
    this.#rows = id === null || last === undefined ? unsaved : [{ id, row, change: last.change }]
  }

  #degrade(error: unknown): void {
    if (this.#degraded) return
    this.#degraded = true
    this.#queued = []
    this.#options.onDegraded(error)
  }
}
