/** Equal denials become one row with a count: a client in a loop must not fill the disk. */
import type { TimedEvent } from './audit-row.ts'

type Window = {
  readonly actor: string
  /** Ms of the monotonic clock. */
  readonly endsAt: number
  /** The last one that was folded; undefined while nothing was. */
  readonly last: TimedEvent | undefined
  readonly repeats: number
}

export const WINDOW_MS = 60_000
/** Different denials of one actor within a window; what is beyond is counted together. */
const WINDOWS_OF_ACTOR_MAX = 100
/** The same of all actors. */
const WINDOWS_MAX = 10_000

/**
 * The first denial of a kind is a row at once; equal ones within a minute are counted, and make one
 * row when it ends. Who goes on makes a row a minute.
 */
export class DenialFold {
  /** In the order of their ends, because all are equally long. */
  readonly #windows = new Map<string, Window>()
  readonly #ofActor = new Map<string, number>()

  /** The event that is to be stored now; undefined when it was counted instead. */
  fold(event: TimedEvent, monotonic: number): TimedEvent | undefined {
    const told = this.#isKnown(event) ? event : this.#generalised(event)
    const key = keyOf(told)
    const window = this.#windows.get(key)
    if (window !== undefined) {
      this.#windows.set(key, { ...window, last: told, repeats: window.repeats + 1 })
      return undefined
    }
    this.#open(key, told.actor, monotonic)
    return told
  }

  /** When the next window ends, by the monotonic clock. */
  get nextEnd(): number | undefined {
    return this.#windows.values().next().value?.endsAt
  }

  /** Ends the windows that are over (all of them: Infinity); a row for each that counted something. */
  end(monotonic: number): readonly TimedEvent[] {
    const rows: TimedEvent[] = []
    for (const [key, window] of this.#windows) {
      if (window.endsAt > monotonic) break
      this.#close(key, window.actor)
      if (window.last === undefined) continue
      const details = { ...window.last.details, repeats: window.repeats }
      rows.push({ ...window.last, details })
      // Whoever goes on is counted on, and makes no row of its own again.
      if (monotonic !== Infinity) this.#open(key, window.actor, monotonic)
    }
    return rows
  }

  #isKnown(event: TimedEvent): boolean {
    if (this.#windows.has(keyOf(event))) return true
    const ofActor = this.#ofActor.get(event.actor) ?? 0
    return ofActor < WINDOWS_OF_ACTOR_MAX && this.#windows.size < WINDOWS_MAX
  }

  /** What is left of a denial when there are too many different ones. */
  #generalised({ at, actor, actorKind }: TimedEvent): TimedEvent {
    const because = 'more denials than are told apart'
    const same = { at, action: 'denials', decision: 'deny', because } as const
    const isRoom = this.#windows.size < WINDOWS_MAX + WINDOWS_OF_ACTOR_MAX
    return isRoom ? { ...same, actor, actorKind } : { ...same, actor: '*', actorKind: 'system' }
  }

  #open(key: string, actor: string, monotonic: number): void {
    const endsAt = monotonic + WINDOW_MS
    this.#windows.set(key, { actor, endsAt, last: undefined, repeats: 0 })
    this.#ofActor.set(actor, (this.#ofActor.get(actor) ?? 0) + 1)
  }

  #close(key: string, actor: string): void {
    this.#windows.delete(key)
    const left = (this.#ofActor.get(actor) ?? 1) - 1
    if (left === 0) this.#ofActor.delete(actor)
    else this.#ofActor.set(actor, left)
  }
}

function keyOf(event: TimedEvent): string {
  const { actor, actorKind, action, document, capability, because } = event
  return JSON.stringify([actorKind, actor, action, document, capability, because])
}
