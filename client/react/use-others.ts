import type { Member, Presence, User } from './member.ts'
import { NOBODY, useOthersSource } from './use-members.ts'
import { useSelected, type IsEqual } from './use-readable.ts'

/**
 * Everybody else on the nearest document, one for each window. Renders when somebody comes, goes
 * or tells something, or when the part that `select` takes changes; what the own window tells
 * renders nothing.
 *
 * @example
 * const count = useOthers(others => others.length)
 * const names = useOthers(others => others.map(({ user }) => user?.name), shallowEqual)
 */
export function useOthers<P = Presence, U = User>(): readonly Member<P, U>[]
export function useOthers<Selection, P = Presence, U = User>(
  select: (others: readonly Member<P, U>[]) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useOthers(
  select: (others: readonly Member[]) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  return useSelected(useOthersSource(), { select, isEqual, onServer: NOBODY })
}

const whole = (others: readonly Member[]) => others
