/** Suspends until there is something to show of a document. */
import { use, useMemo } from 'react'
import { WeftError } from '../../sdk/index.ts'
import { useDocumentStore } from '../document-provider.tsx'
import type { DocumentStore, DocumentView } from '../document-store.ts'
import { LOADING, loadState } from '../load-state.ts'
import { useReadable } from '../use-readable.ts'

/** One promise for all that wait for the same document: React asks for it again and again. */
const waiting = new WeakMap<DocumentStore, Promise<void>>()
const NEVER = new Promise<void>(() => {})

/** The open document. Throws the refusal when the server does not let this user in. */
export function useReady(name?: string): DocumentView {
  const store = useDocumentStore(name)
  const state = useReadable(
    useMemo(() => loadState(store), [store]),
    LOADING,
  )
  if (typeof document === 'undefined') {
    throw new Error('weft: a document is shown in browsers only: put a <Suspense> around it')
  }
  if (state.error !== null) throw new WeftError(state.error.code, state.error.message)
  if (state.isLoading) use(whenReady(store))
  return store.get() ?? use(NEVER)
}

function whenReady(store: DocumentStore): Promise<void> {
  const known = waiting.get(store)
  if (known !== undefined) return known
  // Nothing that suspends is mounted, so nothing watches yet.
  const opened = store.lease()
  if (opened === null) return NEVER
  const promise = ready(store, opened).finally(() => void waiting.delete(store))
  waiting.set(store, promise)
  return promise
}

/** Resolves as well when the lease has ended: whoever still waits begins another one. */
function ready(store: DocumentStore, { handle }: DocumentView): Promise<void> {
  const state = loadState(store)
  return new Promise(resolve => {
    const stops = [handle.subscribe(check), store.client.connection.subscribe(check)]
    function check() {
      if (state.get().isLoading && !handle.state.get().closed) return
      for (const stop of stops) stop()
      resolve()
    }
    check()
  })
}
