/** Where a document stands between disk and memory: a union, and every way from one to another. */
import { AssertionError } from '../../shared/assert.ts'
import type { WeftError } from '../../shared/errors.ts'

export type Residence =
  /** Read from the journal; whoever asks waits for the same reading. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'live' }
  /** Nobody needs it; it leaves when everything is durable, and may come back until then. */
  | { readonly kind: 'draining'; readonly reason: 'idle' | 'shutdown' }
  /** Reading failed; asking again before `retryAt` (monotonic ms) gets the same error. */
  | { readonly kind: 'failed'; readonly error: WeftError; readonly retryAt: number }
  /** Not in memory, and this object never will be again. */
  | { readonly kind: 'gone'; readonly reason: 'evicted' | 'deleted' | 'left behind' }

export type ResidenceEvent =
  | { readonly type: 'loaded' }
  | { readonly type: 'load failed'; readonly error: WeftError; readonly retryAt: number }
  /** Somebody opens it. */
  | { readonly type: 'opened' }
  /** Nobody has held it for the idle time. */
  | { readonly type: 'idle' }
  /** Everything is durable and nobody holds it. */
  | { readonly type: 'clean' }
  | { readonly type: 'deleted' }
  | { readonly type: 'shutdown' }
  /** The deadline of a shutdown passed with edits that are not durable. */
  | { readonly type: 'time over' }

/**
 * The table, state by state; what is not in it cannot happen, and throws:
 *
 *              loaded  load failed  opened   idle      clean     deleted  shutdown  time over
 *   loading    live    failed       =        -         -         gone     =         gone
 *   live       -       -            =        draining  =         gone     draining  gone
 *   draining   -       -            live(1)  =         gone      gone     draining  gone
 *   failed     -       -            loading  gone      -         gone     gone      gone
 *   gone       =       =            -        =         =         =        =         =
 *
 * (1) unless the server shuts down: then it stays draining, and the opener is refused.
 */
export function nextResidence(state: Residence, event: ResidenceEvent): Residence {
  if (state.kind === 'gone') return event.type === 'opened' ? impossible(state, event) : state
  if (event.type === 'deleted') return { kind: 'gone', reason: 'deleted' }
  if (event.type === 'time over') return { kind: 'gone', reason: 'left behind' }
  switch (state.kind) {
    case 'loading':
      if (event.type === 'loaded') return { kind: 'live' }
      if (event.type === 'load failed') {
        return { kind: 'failed', error: event.error, retryAt: event.retryAt }
      }
      return event.type === 'opened' || event.type === 'shutdown' ? state : impossible(state, event)
    case 'live':
      if (event.type === 'idle') return { kind: 'draining', reason: 'idle' }
      if (event.type === 'shutdown') return { kind: 'draining', reason: 'shutdown' }
      return event.type === 'opened' || event.type === 'clean' ? state : impossible(state, event)
    case 'draining':
      if (event.type === 'clean') return { kind: 'gone', reason: 'evicted' }
      if (event.type === 'shutdown') return { kind: 'draining', reason: 'shutdown' }
      if (event.type === 'opened') return state.reason === 'idle' ? { kind: 'live' } : state
      return event.type === 'idle' ? state : impossible(state, event)
    case 'failed':
      if (event.type === 'opened') return { kind: 'loading' }
      return event.type === 'idle' || event.type === 'shutdown'
        ? { kind: 'gone', reason: 'evicted' }
        : impossible(state, event)
  }
}

function impossible(state: Residence, event: ResidenceEvent): never {
  throw new AssertionError(`a document that is ${state.kind} cannot be told "${event.type}"`)
}
