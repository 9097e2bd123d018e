/** Knows whether somebody is at the device: in any of this browser's tabs, for all of them. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import { Observable, type Readable } from '../observable.ts'
import type { TabGroup } from '../tabs/tab-group.ts'
import type { ActivitySource } from './activity-source.ts'

export type Attendance = 'here' | 'away'

export type IdleWatchOptions = {
  readonly clock: Clock
  readonly tabs: TabGroup
  readonly source: ActivitySource
  readonly awayAfterMs: number
}

/** How often other tabs are told, as a part of the time after which somebody is away. */
const TOLD_TIMES = 10

export class IdleWatch {
  readonly attendance: Readable<Attendance>
  readonly #attendance = new Observable<Attendance>('here')
  readonly #options: IdleWatchOptions
  readonly #stops: readonly (() => void)[]
  /** Monotonic ms until which somebody counts as here. */
  #hereUntil: number
  #toldAt = -Infinity
  #cancel: Cancel

  constructor(options: IdleWatchOptions) {
    const { clock, tabs, source, awayAfterMs } = options
    this.attendance = this.#attendance
    this.#options = options
    this.#hereUntil = clock.monotonic() + awayAfterMs
    this.#cancel = clock.after(awayAfterMs, this.#look)
    this.#stops = [
      source.watch(() => this.#onActivity()),
      tabs.listen({
        onMessage: ({ type }) => {
          // They say it now and then: until the next time there may have been more.
          if (type === 'active') this.#isHereFor(awayAfterMs + this.#tellEveryMs)
        },
      }),
    ]
  }

  end(): void {
    this.#cancel()
    for (const stop of this.#stops) stop()
  }

  get #tellEveryMs(): number {
    return this.#options.awayAfterMs / TOLD_TIMES
  }

  /** Cheap, as pointers move often: the timer is left alone, and looks again when it is due. */
  #onActivity(): void {
    const { clock, tabs, awayAfterMs } = this.#options
    const now = clock.monotonic()
    const isBack = this.#attendance.get() === 'away'
    this.#isHereFor(awayAfterMs)
    if (!isBack && now - this.#toldAt < this.#tellEveryMs) return
    this.#toldAt = now
    tabs.post({ type: 'active' })
  }

  #isHereFor(ms: number): void {
    const { clock } = this.#options
    this.#hereUntil = Math.max(this.#hereUntil, clock.monotonic() + ms)
    if (this.#attendance.get() === 'here') return
    this.#attendance.set('here')
    this.#cancel = clock.after(ms, this.#look)
  }

  readonly #look = (): void => {
    const { clock } = this.#options
    const leftMs = this.#hereUntil - clock.monotonic()
    if (leftMs > 0) this.#cancel = clock.after(leftMs, this.#look)
    else this.#attendance.set('away')
  }
}
