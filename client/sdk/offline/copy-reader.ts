/** Reads a copy whole, or begins one: what is damaged or over is put out of the way first. */
import type { Clock } from '../../../shared/clock.ts'
import type { Random } from '../../../shared/random.ts'
import {
  CopyDamaged,
  CopyGone,
  type CopyMeta,
  type OfflineStore,
  type StoredCopy,
} from './offline-store.ts'

export type CopyPlace = {
  readonly name: string
  readonly store: OfflineStore
  readonly clock: Clock
  readonly random: Random
  /** An incarnation that is no more: a copy of it is set aside, not read. */
  readonly avoid: string | null
  /** A copy that was set aside, and that the store may not have let go of yet. */
  readonly avoidLife: string | null
}

export async function readCopy(place: CopyPlace, fresh: CopyMeta): Promise<StoredCopy> {
  const { store, name, random, clock, avoid, avoidLife } = place
  try {
    const copy = await store.load(name)
    const isOver = (avoid !== null && copy?.incarnation === avoid) || copy?.life === avoidLife
    if (copy !== undefined && !isOver) return copy
    if (copy !== undefined) await store.setAside({ name, life: copy.life }, clock.now())
  } catch (error) {
    if (!(error instanceof CopyDamaged)) throw error
    // What can be read of it stays, for the user to take out; a good one begins in its place.
    await store.setAside({ name }, clock.now())
  }
  return store.begin({ name, life: random.id() }, fresh)
}

/**
 * For a document that is open, whose own incarnation is in `meta`. One of the two may be over: the
 * stored copy when the server has named ours in this session, and ours otherwise.
 */
export async function readAgain(
  place: CopyPlace,
  meta: CopyMeta,
  isConfirmed: boolean,
): Promise<StoredCopy> {
  const copy = await readCopy(place, meta)
  const isOne = copy.incarnation === null || meta.incarnation === null
  if (isOne || copy.incarnation === meta.incarnation) return copy
  if (!isConfirmed) throw new CopyGone('aside')
  await place.store.setAside({ name: place.name, life: copy.life }, place.clock.now())
  return readCopy(place, meta)
}
