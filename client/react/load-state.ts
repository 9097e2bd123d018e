/** Whether there is something to show of a document: `{ data, error, isLoading }`. */
import type * as Y from 'yjs'
import type { ConnectionState, Readable, WireError } from '../sdk/index.ts'
import type { DocumentStore, DocumentView } from './document-store.ts'

export type LoadState = {
  /** Nobody knows yet what is in the document: what is not there may still come. */
  readonly isLoading: boolean
  /** Why the server does not let this user in; what is on this device is there all the same. */
  readonly error: WireError | null
}

export const LOADING: LoadState = { isLoading: true, error: null }
const READY: LoadState = { isLoading: false, error: null }

/** Once there was something to show, a lost connection does not take it away. */
const shown = new WeakSet<Y.Doc>()
const refusals = new WeakMap<WireError, LoadState>()

/** The same object while it says the same. */
export function loadState({ get, subscribe, client }: DocumentStore): Readable<LoadState> {
  const { connection } = client
  return {
    get: () => loadStateOf(get(), connection.get()),
    subscribe(listener) {
      const stops = [subscribe(listener), connection.subscribe(listener)]
      return () => stops.forEach(stop => stop())
    },
  }
}

export function loadStateOf(view: DocumentView | null, connection: ConnectionState): LoadState {
  if (view === null) return LOADING
  const { status, doc, loaded } = view
  if (status.kind === 'refused') return refused(status.error)
  if (!shown.has(doc)) {
    if (!isThere(view, connection) || !loaded) return LOADING
    shown.add(doc)
  }
  return READY
}

/** Both sides agree, or the server cannot be asked and the copy on this device is all there is. */
function isThere({ status }: DocumentView, { kind }: ConnectionState): boolean {
  if (status.kind === 'live' || status.kind === 'blocked') return true
  return kind === 'waiting' || kind === 'paused'
}

function refused(error: WireError): LoadState {
  const state = refusals.get(error) ?? { isLoading: false, error }
  refusals.set(error, state)
  return state
}
