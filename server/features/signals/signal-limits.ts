/** How many signals one principal may send, over all their sockets and requests, and one room may get. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { Metrics } from '../../base/metrics.ts'
import { BucketTable, type Rate } from '../../edge/bucket.ts'

export type SignalLimitsOptions = {
  readonly perSecond: number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** A program that has been quiet, or a page that is opened, has some to say at once. */
const BURST_S = 5
/** However many send: a room is as loud as that, from each node. */
const ROOM: Rate = { perSecond: 500, burst: 1_000 }

export class SignalLimits {
  readonly #options: SignalLimitsOptions
  readonly #rate: Rate
  readonly #principals: BucketTable
  readonly #rooms: BucketTable

  constructor(options: SignalLimitsOptions) {
    const { perSecond, clock } = options
    this.#options = options
    this.#rate = { perSecond, burst: perSecond * BURST_S }
    this.#principals = new BucketTable(clock)
    this.#rooms = new BucketTable(clock)
  }

  /** One more. Throws SLOW_DOWN. */
  take({ id, kind, tenant }: Principal, room: string): void {
    const now = this.#options.clock.monotonic()
    const sender = JSON.stringify([kind, tenant, id])
    const waitMs = this.#principals.of(sender, this.#rate).takeOne(now)
    if (waitMs > 0) throw this.#slowDown('principal', waitMs)
    const roomWaitMs = this.#rooms.of(room, ROOM).takeOne(now)
    if (roomWaitMs > 0) throw this.#slowDown('room', roomWaitMs)
  }

  #slowDown(of: 'principal' | 'room', waitMs: number): WeftError {
    this.#options.metrics.rateLimited.inc({ limit: `signals of one ${of}` })
    const sentence =
      of === 'room'
        ? `more than ${ROOM.perSecond} signals a second in one room`
        : `more than ${this.#rate.perSecond} signals a second of one sender (WEFT_SIGNALS_PER_SECOND)`
    return new WeftError('SLOW_DOWN', sentence, { retryAfterMs: Math.ceil(waitMs) })
  }
}
