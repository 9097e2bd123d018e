/** What a document is doing, as one union; every change of it goes through one pure function. */
import { unreachable } from '../../shared/assert.ts'
import type { WireError } from '../../shared/errors.ts'

export type DocumentStatus =
  /** No connection. Edits are kept on this device. */
  | { readonly kind: 'offline' }
  | { readonly kind: 'connecting' }
  /** The token is on its way. */
  | { readonly kind: 'authenticating' }
  /** Let in; the server is opening the document. */
  | { readonly kind: 'loading' }
  /** Exchanging what each side lacks. */
  | { readonly kind: 'syncing'; readonly access: Access }
  /** Both sides have what the other had; changes flow as they are made. */
  | { readonly kind: 'live'; readonly access: Access }
  /** The server cannot just now; it is tried again. */
  | { readonly kind: 'blocked'; readonly error: WireError }
  /** Trying again would not help: the application or the user has to do something. */
  | { readonly kind: 'refused'; readonly error: WireError }

export type Access = 'read' | 'comment' | 'write'

export type DocumentEvent =
  | { readonly type: 'disconnected' }
  | { readonly type: 'connecting' }
  /** The token was sent. */
  | { readonly type: 'asked' }
  | { readonly type: 'admitted' }
  | { readonly type: 'opened'; readonly access: Access }
  /** The handshake is done in both directions. */
  | { readonly type: 'synced' }
  | { readonly type: 'blocked'; readonly error: WireError }
  | { readonly type: 'refused'; readonly error: WireError }
  /** The application wants another try, or a fresh token may change the answer. */
  | { readonly type: 'retried'; readonly connected: boolean }

/**
 * A refusal outlives the connection: only `retried` leaves it. What does not fit the state (an
 * answer to a question of the connection before, say) changes nothing.
 */
export function nextStatus(status: DocumentStatus, event: DocumentEvent): DocumentStatus {
  if (status.kind === 'refused') {
    if (event.type !== 'retried') return status
    return { kind: event.connected ? 'connecting' : 'offline' }
  }
  switch (event.type) {
    case 'disconnected':
      return { kind: 'offline' }
    case 'connecting':
      return status.kind === 'offline' ? { kind: 'connecting' } : status
    case 'asked':
      return isConnected(status) || status.kind === 'offline' ? status : { kind: 'authenticating' }
    case 'admitted':
      return status.kind === 'authenticating' ? { kind: 'loading' } : status
    case 'opened':
      return isWaiting(status) ? { kind: 'syncing', access: event.access } : status
    case 'synced':
      return status.kind === 'syncing' ? { kind: 'live', access: status.access } : status
    case 'blocked':
      return status.kind === 'offline' ? status : { kind: 'blocked', error: event.error }
    case 'refused':
      return { kind: 'refused', error: event.error }
    case 'retried':
      return status
    default:
      return unreachable(event)
  }
}

function isConnected({ kind }: DocumentStatus): boolean {
  return kind === 'syncing' || kind === 'live'
}

/** The server's hello may come after any of these. */
function isWaiting({ kind }: DocumentStatus): boolean {
  return kind === 'authenticating' || kind === 'loading' || kind === 'blocked'
}
