/** Circuit breakers: a dependency that keeps failing is left alone for a while, and asked again soon. */
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
  type CircuitBreakerPolicy,
  type IBackoff,
  type IHalfOpenAfterBackoffContext,
} from 'cockatiel'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Runs an action that needs a dependency, or refuses to while the dependency is known to fail. */
export type Guard = <T>(action: () => Promise<T>) => Promise<T>

export type Breaker = {
  /**
   * What the action answers or throws. While open it is not run: DEPENDENCY_UNAVAILABLE
   * (retryable), at once.
   */
  readonly run: Guard
}

export type BreakerReport = {
  readonly name: string
  readonly state: 'closed' | 'open' | 'half-open'
  /** In a row, up to now. */
  readonly failures: number
  /** When it opened last, ms since 1970; absent while it is closed. */
  readonly openedAt?: number
  readonly lastError?: string
}

export type Breakers = {
  /** The one breaker of this name; its terms are those of the first call. */
  breaker(name: string, terms?: BreakerTerms): Breaker
  states(): readonly BreakerReport[]
}

export type BreakerTerms = {
  /** Refusals are answers: whoever gives them is well. Left out, every throw is a failure. */
  readonly isFailure?: (error: unknown) => boolean
  /** Shorter than that of all, where asking costs little and waiting a lot. */
  readonly resetMs?: number
}

export type BreakersOptions = {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Failures in a row that open a breaker. */
  readonly failures: number
  /** The longest time between two probes. */
  readonly resetMs: number
}

/**
 * The first probe comes this soon, and each further one after twice the time: a store that was
 * restarted is used again after a second, not after a minute, and one that is down for long is
 * asked once a minute.
 */
const FIRST_PROBE_MS = 1_000
const ERROR_CHARACTERS_MAX = 200

export function createBreakers(options: BreakersOptions): Breakers {
  const breakers = new Map<string, OneBreaker>()
  return {
    breaker(name, terms = {}) {
      const breaker = breakers.get(name) ?? new OneBreaker(name, terms, options)
      breakers.set(name, breaker)
      return { run: action => breaker.run(action) }
    },
    states: () => [...breakers.values()].map(breaker => breaker.report()),
  }
}

const states = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  // Nothing here isolates a breaker by hand.
  [CircuitState.Isolated]: 'open',
} as const
const levels = { closed: 0, 'half-open': 1, open: 2 } as const

class OneBreaker {
  readonly #name: string
  readonly #terms: BreakerTerms
  readonly #options: BreakersOptions
  readonly #failures: ConsecutiveBreaker
  readonly #policy: CircuitBreakerPolicy
  #openedAt = 0
  /** By the monotonic clock. */
  #probeAt = 0
  #lastError: string | undefined

  constructor(name: string, terms: BreakerTerms, options: BreakersOptions) {
    this.#name = name
    this.#terms = terms
    this.#options = options
    this.#failures = new ConsecutiveBreaker(options.failures)
    // The library counts and keeps the states. When a probe may come is decided here, by the clock
    // that is handed in: the library would read the wall clock, which people set.
    const backoff = ({ attempt }: IHalfOpenAfterBackoffContext): Backoff => {
      this.#waitBeforeProbe(attempt)
      return { duration: -Infinity, next: backoff }
    }
    this.#policy = circuitBreaker(handleAll, {
      breaker: this.#failures,
      halfOpenAfter: { next: backoff },
    })
    this.#policy.onStateChange(() => this.#changed())
    options.metrics.breakerState.set({ dep: name }, levels.closed)
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (!this.#mayTry()) throw this.#refusal()
    const { isFailure = () => true } = this.#terms
    const outcome = await this.#policy.execute(async (): Promise<Outcome<T>> => {
      try {
        return { kind: 'answer', value: await action() }
      } catch (error) {
        if (!isFailure(error)) return { kind: 'refusal', error }
        this.#lastError = messageOf(error)
        throw error
      }
    })
    if (outcome.kind === 'refusal') throw outcome.error
    return outcome.value
  }

  report(): BreakerReport {
    const state = states[this.#policy.state]
    return {
      name: this.#name,
      state,
      failures: this.#failures.state,
      ...(state === 'closed' ? {} : { openedAt: this.#openedAt }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }

  /** While somebody else probes nobody waits for the outcome: the probe itself may hang. */
  #mayTry(): boolean {
    switch (states[this.#policy.state]) {
      case 'closed':
        return true
      case 'half-open':
        return false
      case 'open':
        return this.#options.clock.monotonic() >= this.#probeAt
    }
  }

  #refusal(): WeftError {
    const waitMs = this.#probeAt - this.#options.clock.monotonic()
    const reason = this.#lastError === undefined ? '' : `: ${this.#lastError}`
    return new WeftError('DEPENDENCY_UNAVAILABLE', `${this.#name} keeps failing${reason}`, {
      retryAfterMs: Math.max(FIRST_PROBE_MS, waitMs),
    })
  }

  #waitBeforeProbe(attempt: number): void {
    const longestMs = this.#terms.resetMs ?? this.#options.resetMs
    const waitMs = Math.min(longestMs, FIRST_PROBE_MS * 2 ** Math.min(attempt - 1, 30))
    this.#probeAt = this.#options.clock.monotonic() + waitMs
  }

  #changed(): void {
    const { log, metrics, clock } = this.#options
    const dep = this.#name
    const state = states[this.#policy.state]
    metrics.breakerState.set({ dep }, levels[state])
    metrics.breakerTransitions.inc({ dep, to: state })
    if (state === 'open') this.#openedAt = clock.now()
    const level = state === 'open' ? 'warn' : 'info'
    log[level]({ dep, state, lastError: this.#lastError }, 'a circuit breaker changed its state')
  }
}

type Backoff = IBackoff<IHalfOpenAfterBackoffContext>

type Outcome<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'refusal'; readonly error: unknown }

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.slice(0, ERROR_CHARACTERS_MAX)
}
