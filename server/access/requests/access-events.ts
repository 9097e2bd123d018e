/** Tells whoever listens on this node what has happened to access, after it is stored. */
import type { AccessEvent } from '../../../shared/events.ts'
import type { Cancel } from '../../../shared/clock.ts'
import type { Logger } from '../../base/log.ts'

export type AccessListener = (event: AccessEvent) => void

export class AccessEvents {
  readonly #listeners = new Set<AccessListener>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  listen(listener: AccessListener): Cancel {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Never throws: a listener that does hurts itself alone. */
  emit(event: AccessEvent): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(event)
      } catch (error) {
        this.#log.error({ err: error, event: event.name }, 'a listener of access events failed')
      }
    }
  }
}
