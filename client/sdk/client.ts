/** The client: one connection, one store on this device, and the documents that are open. */
import { systemClock, type Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { documentName } from '../../shared/names.ts'
import { systemRandom, type Random } from '../../shared/random.ts'
import { Connection } from './connection.ts'
import type { ConnectionState } from './connection-state.ts'
import { DocumentHandle } from './document-handle.ts'
import type { Readable } from './observable.ts'
import { openIndexedDbStore } from './offline/indexed-db-store.ts'
import { MemoryStore, mergeCopy } from './offline/memory-store.ts'
import type { AsideCopy, CopySummary, OfflineStore } from './offline/offline-store.ts'
import { OpenDocument } from './open-document.ts'
import { syncUrl, type SocketConstructor } from './socket.ts'
import { TokenSource, type TokenOption } from './token-source.ts'
import { browserWake, type WakeSource } from './wake.ts'

export type ClientOptions = {
  /** The server: `https://host`, `wss://host/sync`, or a path of the page's own host. */
  readonly url: string
  /** A token, or a function that is asked for one on each connect. */
  readonly token: TokenOption
  /** Whose copies this device keeps: one store a user. Anything stable, such as the token's `sub`. */
  readonly user?: string
  /** Where copies are kept; by default IndexedDB in browsers, memory elsewhere. */
  readonly offline?: 'indexeddb' | 'memory' | OfflineStore
  /**
   * Versions of the application's schema that this build understands. A document beyond them can be
   * read and not written; one before them is brought up by the server, where it knows how.
   */
  readonly schema?: { readonly min: number; readonly max: number }
  /** For places without a global WebSocket. */
  readonly WebSocket?: SocketConstructor
  readonly clock?: Clock
  readonly random?: Random
  readonly wake?: WakeSource
}

export type WeftClient = {
  /** What the socket is doing. */
  readonly connection: Readable<ConnectionState>
  /** Opens a document, or another hold on one that is open. Throws NAME_INVALID. */
  open(name: string): DocumentHandle
  /** Cuts the connection: everything goes on, on this device. */
  disconnect(): void
  /** Undoes {@link disconnect}. */
  connect(): void
  readonly offline: OfflineCopies
  /** Closes all documents, waits until their changes are on this device, and lets go of it. */
  close(): Promise<void>
}

export type OfflineCopies = {
  /** The copies on this device, and how many of their changes the server does not have. */
  list(): Promise<readonly CopySummary[]>
  /** A copy as one Yjs update (v1); undefined when there is none. */
  export(name: string): Promise<Uint8Array | undefined>
  /** Copies of documents that were deleted, or made anew, on the server. */
  setAside(): Promise<readonly AsideCopy[]>
  /** Drops a set-aside copy for good. */
  discard(id: number): Promise<void>
}

export function createClient(options: ClientOptions): WeftClient {
  const { clock = systemClock, random = systemRandom, wake = browserWake } = options
  const url = syncUrl(options.url)
  const tokens = new TokenSource(options.token)
  const store = openStore(options, url)
  const connection = new Connection({
    url,
    clock,
    random,
    wake,
    socket: options.WebSocket ?? (globalThis.WebSocket as SocketConstructor),
    onConnecting: () => tokens.forget(),
  })
  const documents = new Map<string, { readonly document: OpenDocument; holds: number }>()
  /** Documents that are still writing their last changes to this device. */
  const closing = new Map<string, Promise<void>>()

  let closed = false

  const release = (name: string) => {
    const entry = documents.get(name)
    if (entry === undefined) return
    entry.holds -= 1
    if (entry.holds > 0) return
    documents.delete(name)
    const closed = entry.document.close().finally(() => {
      if (closing.get(name) === closed) closing.delete(name)
    })
    closing.set(name, closed)
  }

  const start = (name: string) => {
    // Who opens it again right away must read what is being written.
    const ready = (closing.get(name) ?? Promise.resolve()).then(() => store)
    const document = new OpenDocument({
      name,
      connection,
      tokens,
      store: ready,
      clock,
      schema: options.schema,
    })
    const entry = { document, holds: 0 }
    documents.set(name, entry)
    return entry
  }

  return {
    connection: connection.state,
    open(given) {
      if (closed) throw new WeftError('SHUTTING_DOWN', 'this client was closed; make another one')
      const name = documentName(given)
      const entry = documents.get(name) ?? start(name)
      entry.holds += 1
      return new DocumentHandle(name, entry.document, () => release(name))
    },
    disconnect: () => connection.pause(),
    connect: () => connection.resume(),
    offline: {
      list: async () => (await store).list(),
      async export(name) {
        await documents.get(name)?.document.flush()
        const copy = await (await store).load(name)
        return copy === undefined ? undefined : mergeCopy(copy.snapshot, copy.rows)
      },
      setAside: async () => (await store).asides(),
      discard: async id => (await store).removeAside(id),
    },
    async close() {
      closed = true
      const open = [...documents.values()].map(({ document }) => document.close())
      documents.clear()
      await Promise.all([...open, ...closing.values()])
      connection.close()
      await (await store).close()
    },
  }
}

async function openStore(options: ClientOptions, url: string): Promise<OfflineStore> {
  const { offline = typeof indexedDB === 'undefined' ? 'memory' : 'indexeddb', user } = options
  if (typeof offline === 'object') return offline
  if (offline === 'memory') return new MemoryStore()
  try {
    return await openIndexedDbStore(`weft ${new URL(url).host} ${user ?? ''}`.trim())
  } catch {
    // No storage for this page: it works, and forgets when it is closed.
    return new MemoryStore()
  }
}
