/** Asks a client for what we lack: one question at a time, and less and less often in vain. */
import type { Cancel, Clock } from '../../shared/clock.ts'

export type RepairsOptions = {
  /** Is the client still to answer? */
  readonly isAsked: () => boolean
  readonly ask: () => void
}

/** Repairs in a row that brought nothing; the next ones wait. */
const FRUITLESS_MAX = 3
const RETRY = { minMs: 1_000, maxMs: 30_000 }

export class Repairs {
  readonly #clock: Clock
  readonly #options: RepairsOptions
  #fruitless = 0
  #cancel: Cancel | undefined

  constructor(clock: Clock, options: RepairsOptions) {
    this.#clock = clock
    this.#options = options
  }

  need(): void {
    const { isAsked, ask } = this.#options
    if (this.#cancel !== undefined || isAsked()) return
    this.#fruitless += 1
    if (this.#fruitless <= FRUITLESS_MAX) return ask()
    const attempt = Math.min(this.#fruitless - FRUITLESS_MAX, 5)
    this.#cancel = this.#clock.after(Math.min(RETRY.maxMs, RETRY.minMs * 2 ** attempt), () => {
      this.#cancel = undefined
      ask()
    })
  }

  /** An answer brought everything that was missing. */
  done(): void {
    this.#fruitless = 0
  }

  close(): void {
    this.#cancel?.()
  }
}
