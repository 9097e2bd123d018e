import { spaceDocument, spaceName } from '../../../shared/system-names.ts'
import type { Presence, User } from '../member.ts'
import type { SpaceSnapshot } from '../space-store.ts'
import type { IsEqual } from '../use-readable.ts'
import { useSpace as useSpaceOrNot } from '../use-space.ts'
import { useReady } from './use-ready.ts'

/** Like `useSpace` of `weft/react`: it suspends until one is in, and throws a refusal. */
export function useSpace<P = Presence, U = User>(name: string): SpaceSnapshot<P, U>
export function useSpace<Selection, P = Presence, U = User>(
  name: string,
  select: (space: SpaceSnapshot<P, U>) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useSpace(
  name: string,
  select: (space: SpaceSnapshot) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  useReady(spaceDocument(spaceName(name)))
  return useSpaceOrNot(name, select, isEqual)
}

const whole = (space: SpaceSnapshot) => space
