/** The pages of a space, as React watches them. */
import { useCallback, useSyncExternalStore } from 'react'
import type * as Y from 'yjs'
import { noPages, readPages, watchPages, type PageEntry } from './space-index.ts'

/** All pages, oldest first; the same array until the list changes. */
export function usePages(doc: Y.Doc | null): readonly PageEntry[] {
  const subscribe = useCallback(
    (listener: () => void) => (doc === null ? () => {} : watchPages(doc, listener)),
    [doc],
  )
  return useSyncExternalStore(subscribe, () => (doc === null ? noPages : readPages(doc)))
}
