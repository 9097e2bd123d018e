import type * as Y from 'yjs'
import type { IsEqual } from './use-readable.ts'
import { useSharedType, type SharedData } from './use-shared-type.ts'

type Entries = { readonly [key: string]: unknown }

const EMPTY: Entries = {}
const find = (doc: Y.Doc, key: string) => doc.getMap(key)
const whole = (data: Entries) => data

/**
 * A map of the nearest document. Renders when the data changes, or the part of it that `select`
 * takes; objects inside that have not changed are the same as before. Write through `type`.
 *
 * @example
 * const { data: title, type } = useMap('meta', (meta: Meta) => meta.title)
 * return <input value={title ?? ''} onChange={event => type?.set('title', event.target.value)} />
 */
export function useMap<Shape extends object = Entries>(
  key: string,
): SharedData<Readonly<Partial<Shape>>, Y.Map<unknown>>
export function useMap<Shape extends object, Selection>(
  key: string,
  select: (data: Readonly<Partial<Shape>>) => Selection,
  isEqual?: IsEqual<Selection>,
): SharedData<Selection, Y.Map<unknown>>
export function useMap(
  key: string,
  select: (data: Entries) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): SharedData<unknown, Y.Map<unknown>> {
  return useSharedType({ find, key, empty: EMPTY, select, isEqual })
}
