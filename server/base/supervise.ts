/** Runs code that is not ours, so that whatever it does hurts only its own purpose. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

export type SuperviseOptions = {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** A hook that takes longer has failed; what it does later is not waited for. */
  readonly timeoutMs: number
}

/**
 * Two policies. `required`: what waits for the hook fails with it. `observe`: nothing waits, and a
 * failure is logged and counted. A hook that never gives the event loop back cannot be stopped
 * from within its process: hooks have to be written with that in mind.
 */
export class Supervisor {
  readonly #options: SuperviseOptions
  readonly #running = new Map<string, number>()

  constructor(options: SuperviseOptions) {
    this.#options = options
  }

  /** The hook's answer. Throws HOOK_FAILED (retryable) when it throws, rejects or takes too long. */
  async required<T>(name: string, hook: () => T | Promise<T>): Promise<T> {
    try {
      return await this.#inTime(name, hook)
    } catch (error) {
      this.#report(name, error)
      // A refusal that the hook chose itself is passed on as it is.
      if (error instanceof WeftError) throw error
      throw new WeftError('HOOK_FAILED', `the hook "${name}" failed`, {
        cause: error,
        retryAfterMs: 2_000,
      })
    }
  }

  /** Never throws and is not waited for. Beyond the bound of runs at once, one is left out. */
  observe(name: string, hook: (() => unknown) | undefined): void {
    if (hook === undefined) return
    const running = this.#running.get(name) ?? 0
    if (running >= OBSERVERS_MAX) {
      this.#options.metrics.hookFailures.inc({ hook: name, reason: 'busy' })
      return
    }
    this.#running.set(name, running + 1)
    this.#inTime(name, hook)
      .catch((error: unknown) => this.#report(name, error))
      .finally(() => this.#running.set(name, (this.#running.get(name) ?? 1) - 1))
  }

  async #inTime<T>(name: string, hook: () => T | Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options
    let cancel = () => {}
    const timeOver = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(timeoutMs, () => reject(new HookTimeout(name, timeoutMs)))
    })
    try {
      // Inside the promise, so that a throw at once is a rejection like any other.
      return await Promise.race([Promise.resolve().then(hook), timeOver])
    } finally {
      cancel()
    }
  }

  #report(name: string, error: unknown): void {
    const { log, metrics } = this.#options
    const reason = error instanceof HookTimeout ? 'timeout' : 'error'
    metrics.hookFailures.inc({ hook: name, reason })
    log.error({ err: toError(error), hook: name }, 'a hook failed')
  }
}

const OBSERVERS_MAX = 1_000

class HookTimeout extends Error {
  constructor(name: string, timeoutMs: number) {
    super(`the hook "${name}" took more than ${timeoutMs} ms`)
  }
}

/** Anything can be thrown; a logger wants an Error. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`)
}
