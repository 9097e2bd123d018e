/** Counts tries, so that guessing is slow for each address and for each key. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'

/** Within a minute. */
export const WRONG_PER_ADDRESS_MAX = 20

const WINDOW_MS = 60_000
/** The oldest are forgotten beyond that: what limits the work as a whole is the hasher. */
const COUNTED_MAX = 10_000

type Window = { count: number; readonly endsAt: number }

export class Tries {
  readonly #clock: Clock
  readonly #windows = new Map<string, Window>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws SLOW_DOWN when there were `max` within a minute. */
  require(who: string, max: number): void {
    const now = this.#clock.monotonic()
    const open = this.#windows.get(who)
    if (open === undefined || now >= open.endsAt || open.count < max) return
    const retryAfterMs = Math.ceil(open.endsAt - now)
    throw new WeftError('SLOW_DOWN', 'too many wrong keys or tokens', { retryAfterMs })
  }

  count(who: string): void {
    const now = this.#clock.monotonic()
    const open = this.#windows.get(who)
    if (open !== undefined && now < open.endsAt) {
      open.count += 1
      return
    }
    this.#windows.delete(who)
    this.#windows.set(who, { count: 1, endsAt: now + WINDOW_MS })
    this.#forget()
  }

  /** What was counted was no wrong one. */
  giveBack(who: string): void {
    const open = this.#windows.get(who)
    if (open !== undefined && open.count > 0) open.count -= 1
  }

  #forget(): void {
    if (this.#windows.size <= COUNTED_MAX) return
    const [oldest] = this.#windows.keys()
    if (oldest !== undefined) this.#windows.delete(oldest)
  }
}
