/** How often one user may come: REST requests, and once more sockets that are opened. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import { ownerOf } from '../../shared/system-names.ts'
import type { Metrics } from '../base/metrics.ts'
import { BucketTable } from './bucket.ts'
import { tierOf, type RateTiers } from './tiers.ts'

export type UserLimitsOptions = {
  readonly tiers: RateTiers
  readonly clock: Clock
  readonly metrics: Metrics
}

export class UserLimits {
  readonly #options: UserLimitsOptions
  readonly #connects: BucketTable
  readonly #requests: BucketTable

  constructor(options: UserLimitsOptions) {
    this.#options = options
    this.#connects = new BucketTable(options.clock)
    this.#requests = new BucketTable(options.clock)
  }

  /** Their token was shown on a socket for the first time. Throws SLOW_DOWN. */
  connect(principal: Principal): void {
    this.#take(principal, 'connects')
  }

  /** Throws SLOW_DOWN. */
  request(principal: Principal): void {
    this.#take(principal, 'requests')
  }

  #take(principal: Principal, what: 'connects' | 'requests'): void {
    const { kind } = principal
    const { tiers, clock, metrics } = this.#options
    const table = what === 'connects' ? this.#connects : this.#requests
    const rate = tierOf(tiers, principal)
    // Another token of theirs may be of another tier.
    const waitMs = table
      .of(`${kind} ${rate.perSecond} ${ownerOf(principal)}`, rate)
      .takeOne(clock.monotonic())
    if (waitMs === 0) return
    metrics.rateLimited.inc({ limit: `user ${what}` })
    const sentence = `too many ${what} of one ${kind} (WEFT_RATE_TIERS)`
    throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: Math.ceil(waitMs) })
  }
}
