/** Notices a Redis that stands still: its connections stay open, and nothing answers any more. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import type { Session } from './session.ts'

export type WatchOptions = {
  readonly session: Session
  readonly clock: Clock
  /** Ends the watch. */
  readonly signal: AbortSignal
  readonly onAnswer: () => void
  readonly onFailure: (error: unknown) => void
}

const PING_MS = 1_000
/** Longer than most commands that somebody else may be running there. */
const ANSWER_TIMEOUT_MS = 2_500

export function watch({ session, clock, signal, onAnswer, onFailure }: WatchOptions): void {
  let cancel: Cancel = () => {}
  const ask = () => {
    let isAnswered = false
    const late = () => {
      // When it was this process that stood still, the answer is there and has only to be read.
      setImmediate(() => {
        if (!isAnswered) onFailure(new Error(`no answer for ${ANSWER_TIMEOUT_MS} ms`))
      })
    }
    cancel = clock.after(ANSWER_TIMEOUT_MS, late)
    session.ping().then(() => {
      isAnswered = true
      cancel()
      if (signal.aborted) return
      onAnswer()
      cancel = clock.after(PING_MS, ask)
    }, onFailure)
  }
  cancel = clock.after(PING_MS, ask)
  signal.addEventListener('abort', () => cancel(), { once: true })
}
