/** One after the other, in the order of asking, and not too many waiting. */
import { toDatabaseError } from './sql-error.ts'

export class Turns {
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #taken = false

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax
  }

  /** Resolves when it is the caller's turn. Rejects with DEPENDENCY_UNAVAILABLE when too many wait. */
  take(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      return Promise.reject(toDatabaseError(undefined, 'too many statements wait for it'))
    }
    return this.takeAnyway()
  }

  /** The same without the limit, for who comes once. */
  takeAnyway(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true
      return Promise.resolve()
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** To be called once for each turn. */
  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken = false
    else next()
  }
}
