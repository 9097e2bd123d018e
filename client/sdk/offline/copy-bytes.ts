/** What copies are made of: merged, counted and checked. */
import * as Y from 'yjs'
import { CopyDamaged, type CopyRow } from './offline-store.ts'

export function countUnsaved(rows: readonly { readonly unsaved: number }[]): number {
  return rows.reduce((sum, { unsaved }) => sum + unsaved, 0)
}

/** A whole copy as one update. */
export function mergeCopy(snapshot: Uint8Array | null, rows: readonly CopyRow[]): Uint8Array {
  const updates = rows.map(({ update }) => update)
  return Y.mergeUpdates(snapshot === null ? updates : [snapshot, ...updates])
}

/** As much of a copy as can be read, as one update: for setting a damaged one aside. */
export function mergeReadable(snapshot: unknown, rows: readonly { update: unknown }[]): Uint8Array {
  const updates = [snapshot, ...rows.map(({ update }) => update)].filter(isReadable)
  return Y.mergeUpdates(updates)
}

/** Throws {@link CopyDamaged} unless every piece is a whole update: half a copy is none. */
export function assertReadable(
  name: string,
  pieces: readonly { readonly update: unknown; readonly unsaved?: unknown }[],
): void {
  for (const { update, unsaved = 0 } of pieces) {
    if (!isReadable(update) || !Number.isSafeInteger(unsaved)) {
      throw new CopyDamaged(`the copy of ${name} on this device is damaged`)
    }
  }
}

function isReadable(update: unknown): update is Uint8Array {
  if (!(update instanceof Uint8Array)) return false
  try {
    Y.decodeUpdate(update)
    return true
  } catch {
    // Whatever lib0 says of it: it is not an update.
    return false
  }
}
