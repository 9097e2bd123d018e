/** Keeps what a session has subscribed to in step with what is wanted, many channels at a time. */
import type { Session } from './session.ts'

export type PlacementOptions = {
  readonly session: Session
  readonly wanted: ReadonlySet<string>
  readonly onJoined: (channel: string) => void
  readonly onFailure: (error: unknown) => void
}

/** Channels named in one command. */
const CHANNELS_AT_ONCE = 1_000

export class Placement {
  readonly #options: PlacementOptions
  readonly #placed = new Set<string>()
  readonly #changed = new Set<string>()
  #settling: Promise<void> | undefined

  constructor(options: PlacementOptions) {
    this.#options = options
    for (const channel of options.wanted) this.#changed.add(channel)
  }

  /** What messages arrive of; some of it may just have been left. */
  get placed(): ReadonlySet<string> {
    return this.#placed
  }

  /** A channel is wanted now, or no longer is: at the end of this turn Redis is told. */
  touch(channel: string): void {
    this.#changed.add(channel)
    this.settle().catch(this.#options.onFailure)
  }

  /** Resolves once all that is wanted is in place. */
  settle(): Promise<void> {
    this.#settling ??= this.#settle()
    return this.#settling
  }

  async #settle(): Promise<void> {
    try {
      // Whoever opens a crowd of documents does so in one turn: they go in one command.
      await new Promise(resolve => setImmediate(resolve))
      while (this.#changed.size > 0) {
        const changed = [...this.#changed].slice(0, CHANNELS_AT_ONCE)
        for (const channel of changed) this.#changed.delete(channel)
        await this.#apply(changed)
      }
    } finally {
      // In the turn in which nothing was left: a change after that begins anew.
      this.#settling = undefined
    }
  }

  async #apply(changed: readonly string[]): Promise<void> {
    const { session, wanted, onJoined } = this.#options
    const toLeave = changed.filter(name => this.#placed.has(name) && !wanted.has(name))
    const toJoin = changed.filter(name => !this.#placed.has(name) && wanted.has(name))
    // Left and joined again in one turn: Redis was never told, and its messages still arrive.
    for (const name of changed) if (this.#placed.has(name) && wanted.has(name)) onJoined(name)
    await Promise.all([
      toLeave.length > 0 && session.unsubscribe(toLeave),
      toJoin.length > 0 && session.subscribe(toJoin),
    ])
    for (const name of toLeave) this.#placed.delete(name)
    for (const name of toJoin) this.#placed.add(name)
    for (const name of toJoin) if (wanted.has(name)) onJoined(name)
  }
}
