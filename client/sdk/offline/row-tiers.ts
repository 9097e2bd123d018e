/**
 * Which rows of a copy to join next. Single changes become rows of the first tier, sixteen of these
 * one of the second, and so on: ten thousand changes lie in a few dozen rows, and each was joined
 * only as often as there are tiers. Folding everything every time would cost the whole document.
 */
import type { CopyRow } from './offline-store.ts'

export type KnownRow = {
  readonly id: number
  readonly row: CopyRow
  /** Number of the last unsaved change in it; 0 when there is none. */
  readonly change: number
  /** How often it was joined. */
  readonly tier: number
  /** Who wrote it: a row of an earlier session, or of another tab, is the leader's to join. */
  readonly origin: 'this tab' | 'another'
}

const RUN_LENGTH = 16

/** Neighbours of one tier, all saved or all unsaved, enough of them; undefined when tidy. */
export function findRun(
  rows: readonly KnownRow[],
  mayJoin: (row: KnownRow) => boolean = () => true,
): readonly KnownRow[] | undefined {
  let start = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    const first = rows[start]
    if (row === undefined || first === undefined) return undefined
    if (!mayJoin(row)) start = i + 1
    else if (!fits(first, row)) start = i
    else if (i - start + 1 === RUN_LENGTH) return rows.slice(start, i + 1)
  }
  return undefined
}

function fits(first: KnownRow, row: KnownRow): boolean {
  return first.tier === row.tier && first.row.unsaved > 0 === row.row.unsaved > 0
}
