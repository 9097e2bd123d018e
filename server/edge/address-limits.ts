/** How often one address may come, before anybody knows who it is; who goes on is sent off for a while. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Metrics } from '../base/metrics.ts'
import type { ClientAddress } from './addresses.ts'
import { BucketTable, type Rate } from './bucket.ts'

export type AddressLimitsOptions = {
  readonly connects: Rate
  readonly requests: Rate
  /** How long an address is refused unheard that was refused again and again; 0: never. */
  readonly banMs: number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The machine's own: a proxy that nobody told us of, and tests. Never sent off. */
const LOOPBACK_FACTOR = 100
/** Refusals of one address; beyond, it does not listen. */
const PATIENCE: Rate = { perSecond: 1, burst: 100 }
const BANS_MAX = 10_000

export class AddressLimits {
  readonly #options: AddressLimitsOptions
  readonly #connects: BucketTable
  readonly #requests: BucketTable
  readonly #patience: BucketTable
  /** Until when, on the monotonic clock; the oldest first. */
  readonly #bans = new Map<string, number>()

  constructor(options: AddressLimitsOptions) {
    this.#options = options
    this.#connects = new BucketTable(options.clock)
    this.#requests = new BucketTable(options.clock)
    this.#patience = new BucketTable(options.clock)
  }

  /** A socket that wants to be opened. Throws SLOW_DOWN. */
  connect(client: ClientAddress): void {
    this.#take(client, 'connects')
  }

  /** A REST request. Throws SLOW_DOWN. */
  request(client: ClientAddress): void {
    this.#take(client, 'requests')
  }

  #take(client: ClientAddress, what: 'connects' | 'requests'): void {
    const { clock, metrics } = this.#options
    const now = clock.monotonic()
    this.#checkBan(client, now)
    const table = what === 'connects' ? this.#connects : this.#requests
    const rate = client.isLoopback ? larger(this.#options[what]) : this.#options[what]
    const waitMs = table.of(client.network, rate).takeOne(now)
    if (waitMs === 0) return
    metrics.rateLimited.inc({ limit: `address ${what}` })
    this.#losePatience(client, now)
    const sentence = `too many ${what} from one address`
    throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: Math.ceil(waitMs) })
  }

  #checkBan({ network }: ClientAddress, now: number): void {
    const until = this.#bans.get(network)
    if (until === undefined) return
    if (now >= until) return void this.#bans.delete(network)
    this.#options.metrics.rateLimited.inc({ limit: 'address banned' })
    throw new WeftError('SLOW_DOWN', 'this address came too often, and is not heard for a while', {
      retryAfterMs: Math.ceil(until - now),
    })
  }

  #losePatience({ network, isLoopback }: ClientAddress, now: number): void {
    const { banMs } = this.#options
    if (isLoopback || banMs === 0) return
    if (this.#patience.of(network, PATIENCE).takeOne(now) === 0) return
    const [oldest] = this.#bans.keys()
    if (oldest !== undefined && this.#bans.size >= BANS_MAX) this.#bans.delete(oldest)
    this.#bans.set(network, now + banMs)
  }
}

function larger({ perSecond, burst }: Rate): Rate {
  return { perSecond: perSecond * LOOPBACK_FACTOR, burst: burst * LOOPBACK_FACTOR }
}
