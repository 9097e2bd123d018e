/** Makes an open document something that React can watch: watching opens it, leaving closes it. */
import type { DocumentHandle, DocumentState, Readable, WeftClient } from '../sdk/index.ts'

/** An open document and its state of this moment. */
export type DocumentView = DocumentState & { readonly handle: DocumentHandle }

/** React may unmount and mount again at once (StrictMode, route changes): no reason to leave. */
const CLOSE_DELAY_MS = 1_000

const stores = new WeakMap<WeftClient, Map<string, Readable<DocumentView | null>>>()

/** One store for each document of a client, however many components watch it. */
export function documentStore(client: WeftClient, name: string): Readable<DocumentView | null> {
  const known = stores.get(client) ?? new Map<string, Readable<DocumentView | null>>()
  stores.set(client, known)
  const store = known.get(name) ?? createStore(client, name)
  known.set(name, store)
  return store
}

function createStore(client: WeftClient, name: string): Readable<DocumentView | null> {
  let handle: DocumentHandle | null = null
  let watchers = 0
  let seen: { readonly state: DocumentState; readonly view: DocumentView } | undefined

  return {
    subscribe(listener) {
      watchers += 1
      // Opened on the first watch, not before: rendering has no effects.
      const opened = (handle ??= client.open(name))
      const stop = opened.subscribe(listener)
      listener()
      return () => {
        stop()
        watchers -= 1
        setTimeout(() => {
          if (watchers > 0 || handle !== opened) return
          handle = null
          opened.close()
        }, CLOSE_DELAY_MS)
      }
    },
    get() {
      if (handle === null) return null
      const state = handle.state.get()
      if (seen?.state !== state) seen = { state, view: { ...state, handle } }
      return seen.view
    },
  }
}
