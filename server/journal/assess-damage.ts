/** Tells damage that keeps a document shut from what opening goes past. */
import type { Damage, Inspection, Snapshot } from './journal.ts'
import { isDamage } from './stored-rows.ts'

/** Where opening begins: the newest snapshot that passes its check; 0 when there is none. */
export function openingSeq(snapshots: readonly (Snapshot | Damage)[]): number {
  return snapshots.reduce((seq, one) => (isDamage(one) ? seq : Math.max(seq, one.seq)), 0)
}

/**
 * What lies at or before the snapshot that opening begins with is in nobody's way: that snapshot
 * was made from it while it was whole, or by a repair from what was left of it.
 */
export function assessDamage(
  found: readonly Damage[],
  from: number,
): Pick<Inspection, 'damage' | 'bypassed'> {
  return {
    damage: found.filter(({ upToSeq }) => upToSeq > from),
    bypassed: found.filter(({ upToSeq }) => upToSeq <= from).map(asBypassed),
  }
}

/** A repair takes a number for its snapshot, so a missing one need not have been anybody's entry. */
function asBypassed(one: Damage): Damage {
  if (one.kind !== 'missing') return one
  const { seq, upToSeq } = one
  const which = seq === upToSeq ? `entry ${seq} is` : `entries ${seq} to ${upToSeq} are`
  return { ...one, sentence: `${which} not in the store (a repair takes one number for itself)` }
}
