/** How long an answer is waited for: one that was lost on the way would be waited for for ever. */
import type { Cancel, Clock } from '../../shared/clock.ts'

/** From the asking to the end of the handshake, unless the server says that it takes longer. */
export const PATIENCE_MS = 20_000

export class Patience {
  readonly #clock: Clock
  readonly #onLost: () => void
  #cancel: Cancel = () => {}

  constructor(clock: Clock, onLost: () => void) {
    this.#clock = clock
    this.#onLost = onLost
  }

  /** From now on, so long; what was waited for before is not any more. */
  begin(forMs = PATIENCE_MS): void {
    this.end()
    this.#cancel = this.#clock.after(forMs, this.#onLost)
  }

  end(): void {
    this.#cancel()
  }
}
