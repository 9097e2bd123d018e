/** A value that can be read and watched; made for `useSyncExternalStore`. */

export type Readable<T> = {
  /** The same object until the value changes. */
  readonly get: () => T
  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
}

export class Observable<T> implements Readable<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  // Arrow functions, so that both can be handed to React as they are.
  readonly get = (): T => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  set(value: T): void {
    if (Object.is(this.#value, value)) return
    this.#value = value
    for (const listener of Array.from(this.#listeners)) listener()
  }
}

/** Resolves with the first value, now or later, that `accepts` takes. */
export function firstValue<T>(source: Readable<T>, accepts: (value: T) => boolean): Promise<T> {
  return new Promise(resolve => {
    const stop = source.subscribe(check)
    function check() {
      const value = source.get()
      if (!accepts(value)) return
      stop()
      resolve(value)
    }
    check()
  })
}
