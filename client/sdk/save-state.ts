/** The one question that people have: are my changes safe? */
import type { WireError } from '../../shared/errors.ts'
import type { DocumentStatus } from './document-status.ts'

export type SaveState =
  /** Everything is durable on the server. */
  | { readonly kind: 'saved' }
  /** On its way. */
  | { readonly kind: 'saving'; readonly changes: number }
  /** No connection. `kept` of the `changes` are stored on this device by now; both may be 0. */
  | { readonly kind: 'offline'; readonly changes: number; readonly kept: number }
  /** The server does not store changes just now, or refuses them. */
  | {
      readonly kind: 'not saving'
      readonly changes: number
      readonly error: WireError | null
    }

export type SaveFacts = {
  readonly status: DocumentStatus
  /** Changes that the server has not called durable. */
  readonly unsaved: number
  /** How many of these are stored on this device. */
  readonly kept: number
  /** What the server says of its store. */
  readonly store: 'ok' | 'failing'
  /** Why the server would not take a change; null when it took them all. */
  readonly rejection: WireError | null
}

export function saveStateOf({ status, unsaved, kept, store, rejection }: SaveFacts): SaveState {
  if (status.kind === 'refused' || status.kind === 'blocked') {
    return { kind: 'not saving', changes: unsaved, error: status.error }
  }
  if (rejection !== null && unsaved > 0) {
    return { kind: 'not saving', changes: unsaved, error: rejection }
  }
  if (status.kind === 'offline') return { kind: 'offline', changes: unsaved, kept }
  if (unsaved === 0) return { kind: 'saved' }
  return store === 'failing'
    ? { kind: 'not saving', changes: unsaved, error: null }
    : { kind: 'saving', changes: unsaved }
}

/** Keeps the object while it says the same, so that watchers of it are not woken. */
export function sameSave(a: SaveState, b: SaveState): boolean {
  if (a.kind === 'saved' || b.kind === 'saved') return a.kind === b.kind
  if (a.kind !== b.kind || a.changes !== b.changes) return false
  if (a.kind === 'offline' && b.kind === 'offline') return a.kept === b.kept
  return a.kind !== 'not saving' || b.kind !== 'not saving' || a.error === b.error
}

/** Refused because of who asks: sending it again helps only when that has changed. */
export function mayNotWrite({ code }: WireError): boolean {
  return code === 'FORBIDDEN' || code === 'PATH_FORBIDDEN' || code === 'UPGRADE_REQUIRED'
}
