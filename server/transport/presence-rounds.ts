/**
 * Tells of presence at a steady rate, however many move: of each client only what counts when a
 * round begins, of all of them in one frame. A change after a pause is told at the end of its turn.
 */
import type { Cancel, Clock } from '../../shared/clock.ts'
import type { DocumentPresence } from '../presence/document-presence.ts'
import { broadcast, type Receiver } from './broadcast.ts'
import type { Defer } from './room.ts'

export type PresenceReceiver = Receiver & {
  /** False: it will get everybody's state later. */
  readonly keepsUp: boolean
  /** Something is about to be told; a slow reader may fall behind instead of taking it. */
  prepare(updates: readonly Uint8Array[]): void
}

export type PresenceRoundsOptions = {
  readonly presence: DocumentPresence
  readonly members: ReadonlySet<PresenceReceiver>
  /** The least time from one round to the next; 0: every turn of the event loop may be one. */
  readonly intervalMs: number
  /** Of this node's clients; the other nodes are to be told. */
  readonly onRound: (clientIds: ReadonlySet<number>) => void
  readonly clock: Clock
  readonly defer: Defer
}

export class PresenceRounds {
  readonly #options: PresenceRoundsOptions
  /** Clients that changed, with the member that said so itself. */
  #changed = new Map<number, PresenceReceiver | null>()
  /** Clients of this node among them. */
  #ours = new Set<number>()
  #isScheduled = false
  #lastAt = -Infinity
  #cancelTimer: Cancel = () => {}
  #isClosed = false

  constructor(options: PresenceRoundsOptions) {
    this.#options = options
  }

  /** Of this node's clients; `source` knows it already. */
  changedHere(clientIds: readonly number[], source: PresenceReceiver | null): void {
    for (const clientId of clientIds) this.#ours.add(clientId)
    this.#change(clientIds, source)
  }

  changedElsewhere(clientIds: readonly number[]): void {
    this.#change(clientIds, null)
  }

  /** Nobody is left to be told, here. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
  }

  #change(clientIds: readonly number[], source: PresenceReceiver | null): void {
    if (clientIds.length === 0) return
    for (const clientId of clientIds) this.#changed.set(clientId, source)
    if (this.#isScheduled) return
    this.#isScheduled = true
    const { clock, defer, intervalMs } = this.#options
    const waitMs = this.#lastAt + intervalMs - clock.monotonic()
    if (waitMs <= 0) defer(() => this.#round())
    else this.#cancelTimer = clock.after(waitMs, () => this.#round())
  }

  #round(): void {
    this.#isScheduled = false
    if (this.#isClosed) return
    this.#lastAt = this.#options.clock.monotonic()
    const [changed, ours] = [this.#changed, this.#ours]
    this.#changed = new Map()
    this.#ours = new Set()
    if (ours.size > 0) this.#options.onRound(ours)
    this.#tell(changed)
  }

  #tell(changed: ReadonlyMap<number, PresenceReceiver | null>): void {
    const { presence, members } = this.#options
    const clientIds = [...changed.keys()]
    const own = this.#withoutOwn(changed)
    const receivers: PresenceReceiver[] = []
    for (const member of members) {
      member.prepare([])
      if (!member.keepsUp) continue
      const left = own.get(member)
      if (left === undefined) receivers.push(member)
      else if (left.size > 0) {
        const encoded = presence.encode(left)
        broadcast([member], format => format.awareness(encoded))
      }
    }
    if (receivers.length === 0) return
    const encoded = presence.encode(clientIds)
    broadcast(receivers, format => format.awareness(encoded))
  }

  /**
   * Who is not to get the same frame as everybody, with what it gets. A client passes over its own
   * state when that has the clock that it gave it: when many have changed one frame is good for
   * all. It would take a state with a later clock for its own, and go back to it.
   */
  #withoutOwn(
    changed: ReadonlyMap<number, PresenceReceiver | null>,
  ): ReadonlyMap<PresenceReceiver, ReadonlySet<number>> {
    const { presence } = this.#options
    const sources = new Set(changed.values())
    const isAlone = sources.size === 1
    const own = new Map<PresenceReceiver, Set<number>>()
    for (const [clientId, source] of changed) {
      if (source === null || (!isAlone && !presence.isAhead(clientId))) continue
      const left = own.get(source) ?? new Set(changed.keys())
      left.delete(clientId)
      own.set(source, left)
    }
    return own
  }
}
