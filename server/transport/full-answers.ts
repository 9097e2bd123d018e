/** How often one client gets a large document whole: a question of six bytes must not cost megabytes. */
import type { Cancel, Clock } from '../../shared/clock.ts'

/** Smaller answers cost nobody anything. */
const LARGE_BYTES = 64 << 10
const LARGE_MAX = 3
const WINDOW_MS = 60_000

export class FullAnswers {
  readonly #clock: Clock
  readonly #onAllowed: () => void
  /** When large answers were given, oldest first, ms of the monotonic clock. */
  #given: number[] = []
  #cancel: Cancel | undefined

  constructor(clock: Clock, onAllowed: () => void) {
    this.#clock = clock
    this.#onAllowed = onAllowed
  }

  /** False when the client has to wait; `onAllowed` is called when it has waited long enough. */
  allows(): boolean {
    const now = this.#clock.monotonic()
    this.#given = this.#given.filter(at => now - at < WINDOW_MS)
    const [oldest] = this.#given
    if (oldest === undefined || this.#given.length < LARGE_MAX) return true
    this.#cancel ??= this.#clock.after(oldest + WINDOW_MS - now, () => {
      this.#cancel = undefined
      this.#onAllowed()
    })
    return false
  }

  given(bytes: number): void {
    if (bytes > LARGE_BYTES) this.#given.push(this.#clock.monotonic())
  }

  close(): void {
    this.#cancel?.()
  }
}
