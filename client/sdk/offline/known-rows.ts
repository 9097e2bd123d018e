/** The rows of a copy that a tab has in its document, and the changes that each of them carries. */
import * as Y from 'yjs'
import type { CopyRow, StoredRow } from './offline-store.ts'
import { findRun, type KnownRow } from './row-tiers.ts'

export type QueuedRow = { readonly row: CopyRow; readonly change: number }

export class KnownRows {
  #rows: readonly KnownRow[] = []

  has(id: number): boolean {
    return this.#rows.some(known => known.id === id)
  }

  /** Rows that this tab has written. */
  wrote(queued: readonly QueuedRow[], ids: readonly number[]): void {
    const fresh = { tier: 0, origin: 'this tab' } as const
    const added = queued.map((one, i) => ({ ...one, ...fresh, id: ids[i] ?? 0 }))
    this.#rows = [...this.#rows, ...added]
  }

  /** Rows that were read; `changes` has the number of the last change in each. */
  read(rows: readonly StoredRow[], changes: ReadonlyMap<number, number>): void {
    const added = rows.map(({ id, ...row }) => {
      const change = changes.get(id) ?? 0
      return { id, row, change, tier: 0, origin: 'another' } as const
    })
    this.#rows = [...this.#rows, ...added]
  }

  /** Only these are still in the store. */
  keepOnly(ids: ReadonlySet<number>): void {
    this.#rows = this.#rows.filter(({ id }) => ids.has(id))
  }

  /** Ids of the rows whose changes are all durable on the server, and were not so before. */
  savedBy(change: number): readonly number[] {
    return this.#rows.filter(known => isSavedBy(known, change)).map(({ id }) => id)
  }

  markSaved(change: number): void {
    this.#rows = this.#rows.map(known =>
      isSavedBy(known, change) ? { ...known, row: { ...known.row, unsaved: 0 } } : known,
    )
  }

  get saved(): readonly number[] {
    return this.#rows.filter(({ row }) => row.unsaved === 0).map(({ id }) => id)
  }

  folded(): void {
    this.#rows = this.#rows.filter(({ row }) => row.unsaved > 0)
  }

  findRun(isLeader: boolean): readonly KnownRow[] | undefined {
    return findRun(this.#rows, ({ origin }) => isLeader || origin === 'this tab')
  }

  /** `id` is that of the row in the place of the run; null when there is none. */
  joined(
    run: readonly KnownRow[],
    joined: { readonly id: number | null; readonly row: CopyRow },
  ): void {
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return
    const { id, row } = joined
    const { tier, origin } = first
    const inPlace = id === null ? [] : [{ id, row, change: last.change, tier: tier + 1, origin }]
    this.#rows = this.#rows.toSpliced(this.#rows.indexOf(first), run.length, ...inPlace)
  }
}

export function joinRun(run: readonly KnownRow[]): CopyRow {
  return {
    update: Y.mergeUpdates(run.map(known => known.row.update)),
    unsaved: run.reduce((sum, known) => sum + known.row.unsaved, 0),
  }
}

function isSavedBy({ row, change }: KnownRow, saved: number): boolean {
  return row.unsaved > 0 && change <= saved
}
