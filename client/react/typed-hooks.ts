/** The hooks on people and signals, for an application that says once what they look like. */
import type { Member } from './member.ts'
import { useOthers } from './use-others.ts'
import { usePresence, type SetPresence } from './use-presence.ts'
import type { IsEqual } from './use-readable.ts'
import type { SpaceSnapshot } from './space-store.ts'
import { useSelf } from './use-self.ts'
import { useSignal, type SignalTypes, type UseSignal } from './use-signal.ts'
import { useSpace } from './use-space.ts'

export type TypedHooks<P extends object, U, S extends object = SignalTypes> = {
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
  readonly useSignal: UseSignal<S>
}

/**
 * @example
 * // presence.ts of the application
 * type MySignals = { 'chat.message': { text: string } }
 * export const { useOthers, useSelf, usePresence, useSignal, useSpace } =
 *   typedHooks<MyPresence, MyUser, MySignals>()
 */
export function typedHooks<P extends object, U, S extends object = SignalTypes>(): TypedHooks<
  P,
  U,
  S
> {
  // What a signal holds is what the application says: the server has held it against its schemas.
  const typedSignal = useSignal as unknown as UseSignal<S>
  return { useOthers, useSelf, usePresence, useSignal: typedSignal, useSpace }
}
