/** `useMap`, `useArray` and `useText` that suspend: there is always something to write to. */
import type * as Y from 'yjs'
import { useArray as useArrayOrNot } from '../use-array.ts'
import { useMap as useMapOrNot } from '../use-map.ts'
import type { IsEqual } from '../use-readable.ts'
import { useText as useTextOrNot } from '../use-text.ts'
import { useReady } from './use-ready.ts'

export type ReadyData<Data, Type> = { readonly data: Data; readonly type: Type }

type Entries = { readonly [key: string]: unknown }

export function useMap<Shape extends object = Entries>(
  key: string,
): ReadyData<Readonly<Partial<Shape>>, Y.Map<unknown>>
export function useMap<Shape extends object, Selection>(
  key: string,
  select: (data: Readonly<Partial<Shape>>) => Selection,
  isEqual?: IsEqual<Selection>,
): ReadyData<Selection, Y.Map<unknown>>
export function useMap(
  key: string,
  select: (data: Entries) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): ReadyData<unknown, Y.Map<unknown>> {
  const { doc } = useReady()
  const { data } = useMapOrNot(key, select, isEqual)
  return { data, type: doc.getMap(key) }
}

export function useArray<Item = unknown>(key: string): ReadyData<readonly Item[], Y.Array<Item>>
export function useArray<Item, Selection>(
  key: string,
  select: (data: readonly Item[]) => Selection,
  isEqual?: IsEqual<Selection>,
): ReadyData<Selection, Y.Array<Item>>
export function useArray(
  key: string,
  select: (data: readonly unknown[]) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): ReadyData<unknown, Y.Array<unknown>> {
  const { doc } = useReady()
  const { data } = useArrayOrNot(key, select, isEqual)
  return { data, type: doc.getArray(key) }
}

export function useText(key: string): ReadyData<string, Y.Text> {
  const { doc } = useReady()
  const { data } = useTextOrNot(key)
  return { data, type: doc.getText(key) }
}

const whole = (data: unknown) => data
