/** Makes an open document something that React can watch: watching opens it, leaving closes it. */
import type { DocumentHandle, DocumentState, Readable, WeftClient } from '../sdk/index.ts'
import { OwnPresence } from './own-presence.ts'

/** An open document and its state of this moment. */
export type DocumentView = DocumentState & { readonly handle: DocumentHandle }

export type DocumentStore = Readable<DocumentView | null> & {
  readonly name: string
  readonly client: WeftClient
  /** What this window tells of itself, in whatever document stands under the name. */
  readonly presence: OwnPresence
  /**
   * Opens the document before anything watches it, for somebody who waits: a component that
   * suspends is not mounted. It is let go of when nothing comes to watch within `LEASE_MS`.
   */
  readonly lease: () => DocumentView | null
}

/** React may unmount and mount again at once (StrictMode, route changes): no reason to leave. */
const CLOSE_DELAY_MS = 1_000
const LEASE_MS = 10_000

const stores = new WeakMap<WeftClient, Map<string, DocumentStore>>()

/** One store for each document of a client, however many components watch it. */
export function documentStore(client: WeftClient, name: string): DocumentStore {
  const known = stores.get(client) ?? new Map<string, DocumentStore>()
  stores.set(client, known)
  const store = known.get(name) ?? createStore(client, name, known)
  known.set(name, store)
  return store
}

function createStore(
  client: WeftClient,
  name: string,
  known: Map<string, DocumentStore>,
): DocumentStore {
  const presence = new OwnPresence()
  let handle: DocumentHandle | null = null
  let watchers = 0
  let closing: ReturnType<typeof setTimeout> | undefined
  let seen: { readonly state: DocumentState; readonly view: DocumentView } | undefined

  const open = (): DocumentHandle | null => {
    clearTimeout(closing)
    // A client that has ended opens nothing: there is no document, as before the first paint.
    if (handle !== null || client.life.get() !== 'active') return handle
    handle = client.open(name)
    // What was hidden for a while comes back with the store that it knew.
    if (!known.has(name)) known.set(name, store)
    presence.follow(handle.state)
    return handle
  }
  const close = () => {
    presence.unfollow()
    handle?.close()
    handle = null
    if (known.get(name) === store) known.delete(name)
  }
  const closeIn = (ms: number) => {
    clearTimeout(closing)
    if (watchers === 0) closing = setTimeout(close, ms)
  }
  const get = () => {
    if (handle === null) return null
    const state = handle.state.get()
    if (seen?.state !== state) seen = { state, view: { ...state, handle } }
    return seen.view
  }

  const store: DocumentStore = {
    name,
    client,
    presence,
    get,
    subscribe(listener) {
      watchers += 1
      // Opened on the first watch, not before: rendering has no effects.
      const stop = open()?.subscribe(listener)
      listener()
      return () => {
        stop?.()
        watchers -= 1
        closeIn(CLOSE_DELAY_MS)
      }
    },
    lease() {
      open()
      closeIn(LEASE_MS)
      return get()
    },
  }
  return store
}
