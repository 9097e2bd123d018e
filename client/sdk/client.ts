/** The client: one connection, one store on this device, and the documents that are open. */
import { sleep } from '../../shared/clock.ts'
import { openableName, spaceDocument, spaceName, userDocument } from '../../shared/system-names.ts'
import type { ClientAccess } from './access/client-access.ts'
import { createParts, type ClientOptions } from './client-parts.ts'
import type { ConnectionState } from './connection-state.ts'
import type { DocumentHandle } from './document-handle.ts'
import { Observable, type Readable } from './observable.ts'
import {
  createOfflineCopies,
  unsentDocuments,
  type OfflineCopies,
} from './offline/offline-copies.ts'
import type { ClientStatus } from './status/own-status.ts'
import { SpaceHandle } from './spaces/space-handle.ts'
import type { ClientSpaces } from './spaces/client-spaces.ts'
import { UnsentChangesError } from './offline/unsent-changes-error.ts'

/** `signed out`: here or in another tab; nothing of the user is on this device any more. */
export type ClientLife = 'active' | 'closed' | 'signed out'

export type WeftClient = {
  /** What the socket is doing. */
  readonly connection: Readable<ConnectionState>
  readonly life: Readable<ClientLife>
  /** Opens a document, or another hold on one that is open. Throws NAME_INVALID. */
  open(name: string): DocumentHandle
  /** Is present in a space, without opening a document of it. Throws NAME_INVALID. */
  space(name: string): SpaceHandle
  /** What all devices of this client's user share; needs the option `user` to be the token's `sub`. */
  userDocument(): DocumentHandle
  /** Cuts the connection: everything goes on, on this device. */
  disconnect(): void
  /** Undoes {@link disconnect}. */
  connect(): void
  readonly offline: OfflineCopies
  /** What others see of this user: online, busy, away when nobody is here. */
  readonly status: ClientStatus
  /** Asking for access, deciding, giving and taking back. */
  readonly access: ClientAccess
  /** Creating spaces, and looking after them. */
  readonly spaces: ClientSpaces
  /**
   * Ends everything of this user on this device, in all tabs, and deletes every copy. Throws
   * {@link UnsentChangesError} when the server lacks some change, unless forced. Rejects as well
   * when the browser does not confirm the deletion in time; this client is over all the same.
   */
  signOut(options?: { readonly force?: boolean }): Promise<void>
  /** Closes all documents, waits until their changes are on this device, and lets go of it. */
  close(): Promise<void>
  /** {@link close}, by the name that it has with other providers. */
  destroy(): Promise<void>
}

/** Other tabs let go of the store before it is deleted under them. */
const SIGN_OUT_PAUSE_MS = 100

export function createClient(options: ClientOptions): WeftClient {
  const parts = createParts(options)
  const { connection, connections, documents, store, tabs, clock, caretaker, visits } = parts
  const life = new Observable<ClientLife>('active')

  const stopHelpers = () => {
    parts.endAccess()
    parts.idle?.end()
    parts.status.end()
    caretaker.end()
    visits.end()
  }
  const abandon = () => {
    life.set('signed out')
    stopHelpers()
    documents.abandonAll()
    connections.close()
  }
  tabs.listen({
    onMessage({ type }) {
      if (type !== 'signed out' || life.get() !== 'active') return
      abandon()
      tabs.close()
      void store.close()
    },
  })

  const open = (name: string) => {
    const openable = openableName(name)
    if (life.get() !== 'active') throw new Error(`this client is ${life.get()}`)
    return documents.open(openable, 'shown')
  }

  const close = async () => {
    if (life.get() !== 'active') return
    life.set('closed')
    stopHelpers()
    await documents.closeAll()
    connections.close()
    tabs.close()
    await store.close()
  }

  return {
    connection: connection.state,
    life,
    open,
    space(given) {
      const name = spaceName(given)
      return new SpaceHandle(name, open(spaceDocument(name)), parts.spaces)
    },
    userDocument() {
      const { user, tenant = null } = options
      if (user === undefined) throw new TypeError('the document of a user needs the option `user`')
      return open(userDocument({ id: user, tenant }))
    },
    disconnect: () => connections.pause(),
    connect: () => connections.resume(),
    offline: createOfflineCopies({ ...parts, caretaker }),
    status: parts.status,
    access: parts.access,
    spaces: parts.spaces,
    async signOut({ force = false } = {}) {
      const unsent = force ? [] : await unsentDocuments(parts)
      if (unsent.length > 0) throw new UnsentChangesError(unsent)
      const hasPeers = tabs.hasPeers()
      tabs.post({ type: 'signed out' })
      abandon()
      if (hasPeers) await sleep(clock, SIGN_OUT_PAUSE_MS)
      tabs.close()
      await store.destroy()
    },
    close,
    destroy: close,
  }
}
