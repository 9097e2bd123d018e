/** A tab's part in a socket that several tabs share: what can be done with it, and how it ends. */

export type SocketLink = {
  send(frame: Uint8Array): void
  /** Its documents leave the server; the listener hears nothing more. */
  close(): void
}

export type LinkListener = {
  readonly onOpen: () => void
  readonly onFrame: (frame: Uint8Array) => void
  /** Called at most once, and last. */
  readonly onClosed: (end: LinkEnd) => void
}

export type LinkEnd =
  /** The socket itself is gone, or could not be opened. */
  | 'lost'
  /** The tab that had the socket is gone, or does not answer: another one has one. */
  | 'moved'
  /** This tab needs a socket of its own: the shared one has no room for it. */
  | 'own'
  /** No tab has offered its socket. */
  | 'unanswered'
