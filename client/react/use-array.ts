import type * as Y from 'yjs'
import type { IsEqual } from './use-readable.ts'
import { useSharedType, type SharedData } from './use-shared-type.ts'

const EMPTY: readonly unknown[] = []
const find = (doc: Y.Doc, key: string) => doc.getArray(key)
const whole = (data: readonly unknown[]) => data

/**
 * An array of the nearest document; like {@link useMap}. Items that have not changed are the same
 * objects as before, wherever they are now.
 *
 * @example
 * const { data: tasks, isLoading, error, type } = useArray<Task>('tasks')
 */
export function useArray<Item = unknown>(key: string): SharedData<readonly Item[], Y.Array<Item>>
export function useArray<Item, Selection>(
  key: string,
  select: (data: readonly Item[]) => Selection,
  isEqual?: IsEqual<Selection>,
): SharedData<Selection, Y.Array<Item>>
export function useArray(
  key: string,
  select: (data: readonly unknown[]) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): SharedData<unknown, Y.Array<unknown>> {
  return useSharedType({ find, key, empty: EMPTY, select, isEqual })
}
