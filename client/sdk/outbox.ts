/** A document's changes that the server has not called durable, and which frames carry them. */
import type { SyncStatus } from '../../shared/frames.ts'

export type OutboxChange = {
  /** Changes are numbered from 1 on. */
  readonly change: number
  readonly update: Uint8Array
}

const DROPPED_MAX = 1_000

export class Outbox {
  #changes: OutboxChange[] = []
  /** How many of them, from the front, are saved; taken off now and then, not one by one. */
  #dropped = 0
  #made = 0
  #saved = 0
  /** Frames on their way, oldest first: the number of the last change that each carries. */
  #frames: { readonly change: number; readonly restart: boolean }[] = []
  #sentTotal = 0
  /** Frames of earlier attachments: numbers are not used again, for one of them may still be late. */
  #sentBefore: number
  #answeredTotal = 0
  /** The number of the last change that any answer was about. */
  #answered = 0
  /** Changes after this one were refused, or lean on one that was. */
  #refusedAfter = Infinity

  constructor({ firstFrame = 1 }: { readonly firstFrame?: number } = {}) {
    this.#sentBefore = firstFrame - 1
  }

  /** The number of the last frame, whatever attachment it was for. */
  get lastFrame(): number {
    return this.#sentBefore + this.#sentTotal
  }

  /** Changes that are not durable yet. */
  get count(): number {
    return this.#made - this.#saved
  }

  /** The number of the last change. */
  get made(): number {
    return this.#made
  }

  /** All changes up to this number are durable. */
  get saved(): number {
    return this.#saved
  }

  /** What is not durable, oldest first. */
  get changes(): readonly OutboxChange[] {
    return this.#changes.slice(this.#dropped)
  }

  /** Takes a change, or several that an earlier session left as one update. */
  add(update: Uint8Array, changes = 1): number {
    this.#made += changes
    this.#changes.push({ change: this.#made, update })
    return this.#made
  }

  /**
   * A frame with everything up to `change` has been sent; with `restart` it, or those that follow
   * it, carry again everything that is not durable. Returns the number of the frame.
   */
  sent(change: number, { restart = false }: { readonly restart?: boolean } = {}): number {
    this.#frames.push({ change, restart })
    this.#sentTotal += 1
    return this.lastFrame
  }

  /**
   * How many frames an answer is about that none was about before: it says how many have been
   * answered in all, so that one that comes twice answers nothing twice.
   */
  freshly({ total, count }: { readonly total: number; readonly count: number }): number {
    // A stock server says nothing of totals.
    const known = total === 0 ? this.#answeredTotal + count : total
    const fresh = Math.max(0, Math.min(known, this.#sentTotal) - this.#answeredTotal)
    this.#answeredTotal += fresh
    return fresh
  }

  /** Takes an answer: the number of the last saved change, or undefined when it says nothing new. */
  settle(status: SyncStatus): number | undefined {
    const fresh = this.freshly(status)
    if (fresh === 0) return undefined
    if (status.saved) return this.acknowledge(fresh)
    this.reject(fresh)
    return undefined
  }

  /** The server called the oldest `frames` durable. Returns the number of the last saved change. */
  acknowledge(frames: number): number {
    for (const { change, restart } of this.#frames.splice(0, frames)) {
      if (restart) this.#refusedAfter = Infinity
      // What was refused is not saved by an answer to something that was made after it.
      this.#saved = Math.max(this.#saved, Math.min(change, this.#refusedAfter))
      this.#answered = change
    }
    while ((this.#changes[this.#dropped]?.change ?? Infinity) <= this.#saved) this.#dropped += 1
    if (this.#dropped > DROPPED_MAX || this.#dropped === this.#changes.length) {
      this.#changes = this.#changes.slice(this.#dropped)
      this.#dropped = 0
    }
    return this.#saved
  }

  /** The server will not take the oldest `frames`; what they carried stays unsaved. */
  reject(frames: number): void {
    for (const { change } of this.#frames.splice(0, frames)) {
      this.#refusedAfter = Math.min(this.#refusedAfter, Math.max(this.#saved, this.#answered))
      this.#answered = change
    }
  }

  /** Whatever was on its way is not: the next handshake carries it all again. */
  disconnected(): void {
    this.#frames = []
    this.#answered = 0
    this.#sentBefore += this.#sentTotal
    this.#sentTotal = 0
    this.#answeredTotal = 0
  }
}
