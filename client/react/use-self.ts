import type { Member, Presence, User } from './member.ts'
import { useSelfSource } from './use-members.ts'
import { useSelected, type IsEqual } from './use-readable.ts'

/**
 * This window, as it stands in the presence of the nearest document; null before the first paint
 * and on the server.
 */
export function useSelf<P = Presence, U = User>(): Member<P, U> | null
export function useSelf<Selection, P = Presence, U = User>(
  select: (self: Member<P, U> | null) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useSelf(
  select: (self: Member | null) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  return useSelected(useSelfSource(), { select, isEqual, onServer: null })
}

const whole = (self: Member | null) => self
