/** A request for access as the application holds it: what became of it, and when. */
import type { AccessRequestView, RequestStatus } from '../../../shared/access-views.ts'
import { backoffMs } from '../../../shared/backoff.ts'
import { sleep, type Clock } from '../../../shared/clock.ts'
import { toWeftError, WeftError } from '../../../shared/errors.ts'
import type { Random } from '../../../shared/random.ts'
import { Observable, type Readable } from '../observable.ts'

export type AccessRequestOptions = {
  readonly clock: Clock
  readonly random: Random
  /** Asks the server how the request stands. */
  readonly read: (signal: AbortSignal) => Promise<AccessRequestView>
  /** Called once when it was found to be decided. */
  readonly onDecided: (view: AccessRequestView) => void
  /** Aborts when the client ends. */
  readonly end: AbortSignal
}

/** People answer, so there is time: 2 s at first, at last one question in half a minute. */
const backoff = { minMs: 2_000, maxMs: 30_000 }

export class AccessRequest {
  readonly id: string
  readonly #options: AccessRequestOptions
  readonly #state: Observable<AccessRequestView>
  #watching: Promise<AccessRequestView> | undefined

  constructor(view: AccessRequestView, options: AccessRequestOptions) {
    this.id = view.id
    this.#options = options
    this.#state = new Observable(view)
  }

  /** As this client knows it; kept up to date from the request on until it is decided. */
  get status(): RequestStatus {
    return this.#state.get().status
  }

  /** All that is known of it, for watching. */
  get state(): Readable<AccessRequestView> {
    return this.#state
  }

  /**
   * Resolves when somebody has decided, or nobody has in time: see `status`. Asks the server now and
   * then, less and less often, and goes on when it cannot be reached. Rejects with a
   * {@link WeftError} when asking makes no sense any more, with the signal's reason when that aborts;
   * the request itself stays either way.
   */
  async whenDecided(signal?: AbortSignal): Promise<AccessRequestView> {
    signal?.throwIfAborted()
    const decided = this.watch()
    if (signal === undefined) return decided
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(toError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([decided, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** The one look-out that all who wait share; one that has failed is begun anew. */
  watch(): Promise<AccessRequestView> {
    if (this.#watching === undefined) {
      const watching = this.#poll()
      this.#watching = watching
      watching.catch(() => {
        if (this.#watching === watching) this.#watching = undefined
      })
    }
    return this.#watching
  }

  async #poll(): Promise<AccessRequestView> {
    const { clock, random, end, onDecided } = this.#options
    for (let attempt = 1; this.status === 'pending'; attempt++) {
      const error = attempt === 1 ? undefined : await this.#refresh()
      if (error !== undefined && !error.retryable) throw error
      if (this.#isDecided) break
      const waitMs = Math.max(backoffMs(attempt, random, backoff), error?.retryAfterMs ?? 0)
      await sleep(clock, waitMs, end)
      if (end.aborted) throw new WeftError('SHUTTING_DOWN', 'the client was closed before')
    }
    const view = this.#state.get()
    onDecided(view)
    return view
  }

  /** A question, because the answer changes behind the compiler's back. */
  get #isDecided(): boolean {
    return this.status !== 'pending'
  }

  async #refresh(): Promise<WeftError | undefined> {
    try {
      this.#state.set(await this.#options.read(this.#options.end))
      return undefined
    } catch (error) {
      return toWeftError(error)
    }
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
