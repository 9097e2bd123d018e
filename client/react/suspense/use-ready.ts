/** Suspends until there is something to show of a document. */
import { use, useMemo } from 'react'
import { WeftError } from '../../sdk/index.ts'
import { useDocumentStore } from '../document-provider.tsx'
import type { DocumentStore, DocumentView } from '../document-store.ts'
import { LOADING, loadState } from '../load-state.ts'
import { useReadable } from '../use-readable.ts'

type Waiting = { readonly promise: Promise<void>; isOver: boolean }

/**
 * One promise for all that wait for the same document, kept when it is over: React renders again
 * what had suspended, and wants to be handed the same one.
 */
const waiting = new WeakMap<DocumentStore, Waiting>()
const NEVER = new Promise<never>(() => {})

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
  const promise = state.isLoading ? whenReady(store) : waiting.get(store)?.promise
  if (promise !== undefined) use(promise)
  return store.get() ?? use(NEVER)
}

function whenReady(store: DocumentStore): Promise<void> {
  const known = waiting.get(store)
  if (known?.isOver === false) return known.promise
  // Nothing that suspends is mounted, so nothing watches yet.
  const opened = store.lease()
  if (opened === null) return NEVER
  const next: Waiting = { promise: ready(store, opened), isOver: false }
  void next.promise.then(() => void (next.isOver = true))
  waiting.set(store, next)
  return next.promise
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
