/** Runs what was put off once, at the end of this turn of the event loop. */
import type { Defer } from './room.ts'

export type Flushable = { flush(): void }

/** Sockets that have something to send: everything of one turn leaves in one write each. */
export class TurnFlusher {
  readonly #defer: Defer
  #waiting: Flushable[] = []

  constructor(defer: Defer = setImmediate) {
    this.#defer = defer
  }

  add(flushable: Flushable): void {
    this.#waiting.push(flushable)
    if (this.#waiting.length === 1) this.#defer(() => this.#flush())
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const flushable of waiting) flushable.flush()
  }
}
