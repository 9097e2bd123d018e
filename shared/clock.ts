/** Time as a part that is handed in, so that tests and the simulator decide when it passes. */

/** Stops a timer. Calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void

export interface Clock {
  /** Wall-clock time in ms since 1970. For what people read and tokens state, never for spans. */
  now(): number
  /** Ms from an arbitrary start; never jumps when somebody sets the clock. For spans. */
  monotonic(): number
  /** Runs `action` once, `delayMs` from now. */
  after(delayMs: number, action: () => void): Cancel
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Runs `action` again and again, `intervalMs` after the end of the last run, until cancelled. */
export function every(clock: Clock, intervalMs: number, action: () => void): Cancel {
  let stopped = false
  let cancel: Cancel = () => {}
  const arm = () => {
    cancel = clock.after(intervalMs, () => {
      action()
      if (!stopped) arm()
    })
  }
  arm()
  return () => {
    stopped = true
    cancel()
  }
}

/** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}
