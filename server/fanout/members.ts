/** The other nodes: each says every now and then that it lives, and is gone when it falls silent. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import type { Random } from '../../shared/random.ts'
import { HEARTBEAT_MS, NODE_GONE_MS } from './fanout.ts'

export type MembersOptions = {
  readonly clock: Clock
  readonly random: Random
  readonly beat: () => void
  readonly onHere: (node: string) => void
  readonly onGone: (node: string) => void
}

/** Ids come from the bus, so there is a limit to how many are believed. */
const NODES_MAX = 1_000
/** However many newcomers there are, there is this much time between two heartbeats. */
const BEAT_PACE_MS = 100

export class Members {
  readonly #options: MembersOptions
  /** For each node: how to stop the timer that calls it gone. */
  readonly #others = new Map<string, Cancel>()
  #cancelBeat: Cancel = () => {}
  #beatAt = -Infinity

  constructor(options: MembersOptions) {
    this.#options = options
  }

  get nodes(): readonly string[] {
    return [...this.#others.keys()]
  }

  /** Says at once that this node lives, and goes on saying it. */
  start(): void {
    this.#beatNow()
  }

  stop(): void {
    this.#cancelBeat()
    for (const cancel of this.#others.values()) cancel()
    this.#others.clear()
  }

  heard(node: string): void {
    const cancel = this.#others.get(node)
    if (cancel === undefined && this.#others.size >= NODES_MAX) return
    cancel?.()
    const { clock, onHere } = this.#options
    this.#others.set(
      node,
      clock.after(NODE_GONE_MS, () => this.left(node)),
    )
    if (cancel !== undefined) return
    onHere(node)
    // It came just now and knows nobody: it should not have to wait for the next heartbeat.
    this.#beatSoon()
  }

  left(node: string): void {
    const cancel = this.#others.get(node)
    if (cancel === undefined) return
    cancel()
    this.#others.delete(node)
    this.#options.onGone(node)
  }

  #beatSoon(): void {
    const { clock } = this.#options
    const sinceMs = clock.monotonic() - this.#beatAt
    this.#schedule(Math.max(0, BEAT_PACE_MS - sinceMs))
  }

  #beatNow(): void {
    const { clock, random, beat } = this.#options
    this.#beatAt = clock.monotonic()
    // Drawn anew each time, so that nodes which started together do not speak together for ever.
    this.#schedule(HEARTBEAT_MS * (0.75 + random.next() / 4))
    beat()
  }

  #schedule(inMs: number): void {
    this.#cancelBeat()
    this.#cancelBeat = this.#options.clock.after(inMs, () => this.#beatNow())
  }
}
