/** Brings a stored copy and an open document back together, after either missed something. */
import * as Y from 'yjs'
import { mergeCopy } from './copy-bytes.ts'
import type { CopySource } from './copy-source.ts'
import type { CopyRow, StoredCopy } from './offline-store.ts'

export type Repair = {
  /** What the copy lacks, in the order in which to write it. */
  readonly rows: readonly (CopyRow & { readonly change: number })[]
}

export type RepairNeed = {
  readonly copy: StoredCopy
  readonly source: CopySource
  /** Changes up to this number are in the copy already. */
  readonly kept: number
}

/** Compares by state vector; what only deletes is not seen by it, which `isWhole` makes up for. */
export function planRepair({ copy, source, kept }: RepairNeed, isWhole: boolean): Repair {
  const stored = mergeCopy(copy.snapshot, copy.rows)
  const stateVector = Y.encodeStateVectorFromUpdate(stored)
  const unsaved = source.unsavedAfter(kept)
  const last = unsaved.at(-1)
  const rows: (CopyRow & { readonly change: number })[] = []
  if (isWhole || isAhead(source.stateVector(), stateVector)) {
    rows.push({ update: source.encodeState(stateVector), unsaved: 0, change: 0 })
  }
  if (last !== undefined) {
    const update = Y.mergeUpdates(unsaved.map(one => one.update))
    const count = last.change - kept
    rows.push({ update, unsaved: count, change: last.change })
  }
  return { rows }
}

function isAhead(ours: Uint8Array, theirs: Uint8Array): boolean {
  const known = Y.decodeStateVector(theirs)
  return [...Y.decodeStateVector(ours)].some(([client, clock]) => clock > (known.get(client) ?? 0))
}
