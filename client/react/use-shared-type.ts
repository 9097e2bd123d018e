/** What `useMap`, `useArray` and `useText` have in common. */
import { useMemo } from 'react'
import type * as Y from 'yjs'
import type { Readable } from '../sdk/index.ts'
import { useDocumentStore } from './document-provider.tsx'
import { LOADING, loadState, type LoadState } from './load-state.ts'
import { nested } from './nested.ts'
import { typeSnapshot } from './type-snapshot.ts'
import { useReadable, useSelected, type IsEqual } from './use-readable.ts'

/** A root type of the document, as data, and itself for writing; null before the first paint. */
export type SharedData<Data, Type> = LoadState & { readonly data: Data; readonly type: Type | null }

export type SharedQuery<Data, Selection, Type> = {
  /** Must be the same function in each render. */
  readonly find: (doc: Y.Doc, key: string) => Type
  readonly key: string
  readonly empty: Data
  readonly select: (data: Data) => Selection
  readonly isEqual?: IsEqual<Selection> | undefined
}

export function useSharedType<Data, Selection, Type extends object>(
  query: SharedQuery<Data, Selection, Type>,
): SharedData<Selection, Type> {
  const { find, key, empty, select, isEqual } = query
  const store = useDocumentStore()
  const type = useReadable(
    useMemo<Readable<Type | null>>(() => {
      const get = () => {
        const view = store.get()
        return view === null ? null : find(view.doc, key)
      }
      return { get, subscribe: store.subscribe }
    }, [store, find, key]),
    null,
  )
  const source = useMemo(() => {
    const snapshot = (view: ReturnType<typeof store.get>) =>
      view === null ? null : (typeSnapshot(find(view.doc, key)) as Readable<Data>)
    return nested(store, snapshot, empty)
  }, [store, find, key, empty])
  const data = useSelected(source, { select, isEqual, onServer: empty })
  const state = useReadable(
    useMemo(() => loadState(store), [store]),
    LOADING,
  )
  return useMemo(() => ({ ...state, data, type }), [state, data, type])
}
