import { useMemo } from 'react'
import type { DocumentHandle, Readable, SaveState } from '../sdk/index.ts'
import { useNearestStore } from './document-provider.tsx'
import type { DocumentView } from './document-store.ts'
import { useReadable } from './use-readable.ts'

/**
 * Are the changes of this document safe? Without one, of the nearest `<DocumentProvider>`; null
 * while there is no document.
 */
export function useSaved(document?: DocumentView | DocumentHandle | null): SaveState | null {
  const nearest = useNearestStore()
  const given = document !== null && document !== undefined && 'handle' in document
  const handle = given ? document.handle : document
  const source = useMemo<Readable<SaveState | null>>(() => {
    if (handle === null) return nothing
    if (handle === undefined) return nearest === null ? nothing : saveOf(nearest)
    return saveOf(handle.state)
  }, [handle, nearest])
  return useReadable(source, null)
}

function saveOf(state: Readable<{ readonly save: SaveState } | null>): Readable<SaveState | null> {
  return { subscribe: state.subscribe, get: () => state.get()?.save ?? null }
}

const nothing: Readable<null> = { subscribe: () => () => {}, get: () => null }
