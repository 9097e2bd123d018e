/** The states of the one socket that all documents of a client share: a union, and its table. */
import { unreachable } from '../../shared/assert.ts'

export type ConnectionState =
  /** No document needs it. */
  | { readonly kind: 'idle' }
  /** Cut by the application, until it says otherwise. */
  | { readonly kind: 'paused' }
  /** Waiting for the next try; `retryAt` is in ms of the monotonic clock. */
  | { readonly kind: 'waiting'; readonly attempt: number; readonly retryAt: number }
  | { readonly kind: 'connecting'; readonly attempt: number }
  | { readonly kind: 'open' }

export type ConnectionEvent =
  /** The first document is opened; the last one is closed. */
  | { readonly type: 'wanted' }
  | { readonly type: 'unwanted' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed'; readonly wanted: boolean }
  | { readonly type: 'opened' }
  /** The socket is gone, or could not be opened. */
  | { readonly type: 'lost'; readonly retryAt: number }
  /** The time of the next try has come, or the tab woke up. */
  | { readonly type: 'due' }

/**
 *               wanted      unwanted  paused  resumed     opened  lost     due
 *   idle        connecting  =         paused  =           =       =        =
 *   paused      =           =         =       connecting* =       =        =
 *   waiting     =           idle      paused  =           =       =        connecting
 *   connecting  =           idle      paused  =           open    waiting  =
 *   open        =           idle      paused  =           =       waiting  =
 *
 * `*` idle when nothing wants it. Attempts count on until a socket opens.
 */
export function nextConnection(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  switch (event.type) {
    case 'wanted':
      return state.kind === 'idle' ? { kind: 'connecting', attempt: 1 } : state
    case 'unwanted':
      return state.kind === 'paused' ? state : { kind: 'idle' }
    case 'paused':
      return { kind: 'paused' }
    case 'resumed':
      if (state.kind !== 'paused') return state
      return event.wanted ? { kind: 'connecting', attempt: 1 } : { kind: 'idle' }
    case 'opened':
      return state.kind === 'connecting' ? { kind: 'open' } : state
    case 'lost':
      return lost(state, event.retryAt)
    case 'due':
      return state.kind === 'waiting' ? { kind: 'connecting', attempt: state.attempt + 1 } : state
    default:
      return unreachable(event)
  }
}

function lost(state: ConnectionState, retryAt: number): ConnectionState {
  if (state.kind === 'open') return { kind: 'waiting', attempt: 1, retryAt }
  if (state.kind === 'connecting') return { kind: 'waiting', attempt: state.attempt, retryAt }
  return state
}
