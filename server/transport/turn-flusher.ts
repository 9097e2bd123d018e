/** Runs what was put off once, at the end of this turn of the event loop. */

export type Flushable = { flush(): void }

/** Sockets that have something to send: everything of one turn leaves in one write each. */
export class TurnFlusher {
  #waiting: Flushable[] = []

  add(flushable: Flushable): void {
    this.#waiting.push(flushable)
    if (this.#waiting.length === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const flushable of waiting) flushable.flush()
  }
}
