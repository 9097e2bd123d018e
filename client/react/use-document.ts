/** Hooks: pure subscriptions to what the sdk holds. */
import { useSyncExternalStore } from 'react'
import type { ConnectionState, DocumentHandle, SaveState } from '../sdk/index.ts'
import { documentStore, type DocumentView } from './document-store.ts'
import { useClient } from './provider.tsx'

/**
 * Opens a document while a component shows it; null in the first render (and on the server).
 * Renders again when the state changes. Throws NAME_INVALID for a bad name.
 *
 * @example
 * const notes = useDocument('acme/notes')
 * return notes === null ? null : <Editor doc={notes.doc} awareness={notes.awareness} />
 */
export function useDocument(name: string): DocumentView | null {
  const store = documentStore(useClient(), name)
  return useSyncExternalStore(store.subscribe, store.get, nothing)
}

/** What the socket is doing. */
export function useConnection(): ConnectionState {
  const { connection } = useClient()
  return useSyncExternalStore(connection.subscribe, connection.get, connection.get)
}

/** Are the changes of this document safe? null while there is no document. */
export function useSaved(document: DocumentView | DocumentHandle | null): SaveState | null {
  const handle = document !== null && 'handle' in document ? document.handle : document
  const state = handle?.state
  return useSyncExternalStore(
    state?.subscribe ?? subscribeToNothing,
    () => state?.get().save ?? null,
    nothing,
  )
}

const nothing = () => null
const subscribeToNothing = () => () => {}
