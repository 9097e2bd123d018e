/**
 * The Hocuspocus server inside weft: it leads the conversation (authentication, several documents
 * on one socket, tokens, stateless messages, goodbyes), and weft holds the content.
 *
 * Its own Document is a lobby here: an address and a connection, with nothing in it. Sync and
 * presence never reach it, because there an update is acknowledged before it is stored, one that
 * cannot be integrated too, a failed store forgets the document, and presence belongs to anybody.
 */
import {
  Document,
  Hocuspocus,
  type Connection,
  type connectedPayload,
  type onAuthenticatePayload,
  type onTokenSyncPayload,
} from '@hocuspocus/server'

/** One client's hold on one document, as the lobby sees it; see attachment.ts. */
export type LobbyGuest = {
  /** Checks the token; rejects with a {@link Refusal}. Resolves with what the client may do. */
  authenticate(token: string): Promise<{ readonly readOnly: boolean }>
  /** Waits until the document is open; rejects with a {@link Refusal} when it never will be. */
  open(): Promise<void>
  /** Hocuspocus has let the client in; from now on frames may flow. */
  connected(connection: Connection): void
  /** A fresh token on a live connection. Never rejects: a bad one ends the guest itself. */
  refresh(token: string): Promise<void>
}

/** How Hocuspocus wants a refusal: it puts `reason` into its PermissionDenied message. */
export class Refusal extends Error {
  readonly reason: string

  constructor(reason: string) {
    // No message: Hocuspocus writes messages of hook errors to the console.
    super('')
    this.reason = reason
  }
}

/** What every hook of a socket is given; the only link from Hocuspocus back to weft. */
export type LobbyContext = { readonly guestAt: (address: string) => LobbyGuest | undefined }

/** Hocuspocus would drop a socket that it has not heard of for this long; weft pings on its own. */
const NEVER_MS = 2 ** 31 - 1

export class Lobby extends Hocuspocus<LobbyContext> {
  constructor() {
    super({
      quiet: true,
      timeout: NEVER_MS,
      async onAuthenticate(payload: onAuthenticatePayload<LobbyContext>) {
        const { readOnly } = await guestOf(payload).authenticate(payload.token)
        payload.connectionConfig.readOnly = readOnly
      },
      async onTokenSync(payload: onTokenSyncPayload<LobbyContext>) {
        await guestOf(payload).refresh(payload.token)
      },
      connected({ documentName, context, connection }: connectedPayload<LobbyContext>) {
        const guest = context.guestAt(documentName)
        // Left in the very moment it was let in: nobody else would close this connection.
        if (guest === undefined) connection.close()
        else guest.connected(connection)
        return Promise.resolve()
      },
    })
  }

  /** Called by Hocuspocus once a client is authenticated; the lobby opens when the document has. */
  override async createDocument(
    ...[address, , , , context]: Parameters<Hocuspocus<LobbyContext>['createDocument']>
  ): Promise<Document> {
    const guest = context?.guestAt(address)
    if (guest === undefined) throw new Refusal('gone')
    await guest.open()
    const lobby = new Document(address, { gc: false }, { flushDelay: false })
    // Presence is not its business either, and its awareness would run a timer for ever.
    lobby.awareness.destroy()
    return lobby
  }

  /** Called by Hocuspocus when the client has left. */
  override unloadDocument(lobby: Document): Promise<void> {
    lobby.destroy()
    return Promise.resolve()
  }
}

type HookPayload = { readonly documentName: string; readonly context: LobbyContext }

function guestOf({ documentName, context }: HookPayload): LobbyGuest {
  const guest = context.guestAt(documentName)
  if (guest === undefined) throw new Refusal('gone')
  return guest
}
