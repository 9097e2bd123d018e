/** Listeners of one kind of event; one that throws hurts nobody else. */

export class Listeners<T> {
  readonly #entries = new Set<{ readonly listener: (event: T) => void }>()
  readonly #onThrow: (error: unknown) => void

  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
  }

  /** Answers with how to take it away again. */
  add(listener: (event: T) => void): () => void {
    const entry = { listener }
    this.#entries.add(entry)
    return () => void this.#entries.delete(entry)
  }

  tell(event: T): void {
    for (const { listener } of this.#entries) {
      try {
        listener(event)
      } catch (error) {
        this.#onThrow(error)
      }
    }
  }
}
