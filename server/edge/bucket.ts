/** Token buckets: a number each, on whatever clock the caller reads. */
import type { Clock } from '../../shared/clock.ts'

export type Rate = {
  readonly perSecond: number
  /** So much may come at once, after a pause. */
  readonly burst: number
}

/**
 * A bucket as one number (GCRA): the instant at which it will be full again. All instants are ms of
 * a monotonic clock.
 */
export class Bucket {
  readonly #intervalMs: number
  readonly #burstMs: number
  #fullAt = -Infinity

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1_000 / perSecond
    this.#burstMs = burst * this.#intervalMs
  }

  isFull(now: number): boolean {
    return this.#fullAt <= now
  }

  /**
   * Takes it, whether it is there or not: what has been read cannot be sent back. Answers for how
   * many ms nothing more should come; more debt than `debtMaxMs` is forgiven.
   */
  take(cost: number, now: number, debtMaxMs = Infinity): number {
    const fullAt = Math.max(this.#fullAt, now) + cost * this.#intervalMs
    this.#fullAt = Math.min(fullAt, now + this.#burstMs + debtMaxMs)
    return Math.max(0, this.#fullAt - now - this.#burstMs)
  }

  /** Takes one if it is there. Answers 0, or in how many ms it will be. */
  takeOne(now: number): number {
    const fullAt = Math.max(this.#fullAt, now) + this.#intervalMs
    const waitMs = fullAt - now - this.#burstMs
    // Sums of fractions are never quite even.
    if (waitMs > 0.001) return waitMs
    this.#fullAt = fullAt
    return 0
  }
}

/** Fewer than that are not looked through for full ones. */
const SWEEP_MIN = 1_000
const KEYS_MAX = 100_000

/** A bucket for each address, user or document; a full one says nothing, and is forgotten. */
export class BucketTable {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()
  #sweepAt = SWEEP_MIN

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#buckets.size
  }

  of(key: string, rate: Rate): Bucket {
    const found = this.#buckets.get(key)
    if (found !== undefined) return found
    if (this.#buckets.size >= this.#sweepAt) this.#sweep()
    const bucket = new Bucket(rate)
    this.#buckets.set(key, bucket)
    return bucket
  }

  /** Looked through whenever the table has doubled; beyond the most, the oldest half goes too. */
  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const [key, bucket] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(key)
    }
    let surplus = this.#buckets.size - KEYS_MAX / 2
    for (const key of this.#buckets.keys()) {
      if (surplus-- <= 0) break
      this.#buckets.delete(key)
    }
    this.#sweepAt = Math.max(SWEEP_MIN, this.#buckets.size * 2)
  }
}
