/** The hooks on people, for an application that says once what its people look like. */
import type { Member } from './member.ts'
import { useOthers } from './use-others.ts'
import { usePresence, type SetPresence } from './use-presence.ts'
import type { IsEqual } from './use-readable.ts'
import type { SpaceSnapshot } from './space-store.ts'
import { useSelf } from './use-self.ts'
import { useSpace } from './use-space.ts'

export type TypedHooks<P extends object, U> = {
  readonly useOthers: {
    (): readonly Member<P, U>[]
    <Selection>(
      select: (others: readonly Member<P, U>[]) => Selection,
      isEqual?: IsEqual<Selection>,
    ): Selection
  }
  readonly useSelf: {
    (): Member<P, U> | null
    <Selection>(
      select: (self: Member<P, U> | null) => Selection,
      isEqual?: IsEqual<Selection>,
    ): Selection
  }
  readonly useSpace: {
    (name: string): SpaceSnapshot<P, U>
    <Selection>(
      name: string,
      select: (space: SpaceSnapshot<P, U>) => Selection,
      isEqual?: IsEqual<Selection>,
    ): Selection
  }
  readonly usePresence: (
    initial?: Partial<P>,
  ) => readonly [presence: Partial<P>, setPresence: SetPresence<P>]
}

/**
 * @example
 * // presence.ts of the application
 * export const { useOthers, useSelf, usePresence, useSpace } = typedHooks<MyPresence, MyUser>()
 */
export function typedHooks<P extends object, U>(): TypedHooks<P, U> {
  return { useOthers, useSelf, usePresence, useSpace }
}
