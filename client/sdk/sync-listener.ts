/** What a sync channel is given, and whom it tells. */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import type { WireError } from '../../shared/errors.ts'
import type { SchemaRange, ServerHello } from '../../shared/protocol.ts'
import type { Connections } from './connections.ts'
import type { Access, DocumentEvent } from './document-status.ts'
import type { Outbox } from './outbox.ts'
import type { SignalDesk } from './signals/signal-desk.ts'
import type { TokenSource } from './token-source.ts'

export type SyncChannelOptions = {
  readonly name: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly outbox: Outbox
  readonly connections: Connections
  readonly tokens: TokenSource
  readonly clock: Clock
  /** The incarnation of the local copy; null when it has none. */
  readonly incarnation: () => string | null
  /** Versions of the application's schema that this client understands. */
  readonly schema?: SchemaRange | undefined
  readonly listener: SyncListener
  readonly signals: SignalDesk
}

export type SyncListener = {
  readonly onEvent: (event: DocumentEvent) => void
  readonly onHello: (hello: ServerHello) => void
  /** All changes up to this number are durable, at this seq of the journal. */
  readonly onSaved: (change: number, seq: number) => void
  /** The server does not take a change. */
  readonly onRejected: (error: WireError) => void
  /** What this client may do has changed, and why. */
  readonly onAccess: (access: Access, error: WireError | null) => void
  /** Do edits reach the server's store? */
  readonly onStore: (state: 'ok' | 'failing') => void
}
