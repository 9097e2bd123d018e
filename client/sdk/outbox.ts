/** A document's changes that the server has not called durable, and which frames carry them. */

export type OutboxChange = {
  /** Changes are numbered from 1 on. */
  readonly change: number
  readonly update: Uint8Array
}

export class Outbox {
  #changes: OutboxChange[] = []
  #made = 0
  #saved = 0
  /** Frames on their way, oldest first: the number of the last change that each carries. */
  #frames: number[] = []

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
    return this.#changes
  }

  /** Takes a change, or several that an earlier session left as one update. */
  add(update: Uint8Array, changes = 1): number {
    this.#made += changes
    this.#changes.push({ change: this.#made, update })
    return this.#made
  }

  /** A frame with everything up to `change` has been sent. */
  sent(change: number): void {
    this.#frames.push(change)
  }

  /** The server called the oldest `frames` durable. Returns the number of the last saved change. */
  acknowledge(frames: number): number {
    const carried = this.#frames.splice(0, frames)
    this.#saved = Math.max(this.#saved, ...carried)
    this.#changes = this.#changes.filter(({ change }) => change > this.#saved)
    return this.#saved
  }

  /** The server will not take the oldest `frames`; what they carried stays unsaved. */
  reject(frames: number): void {
    this.#frames.splice(0, frames)
  }

  /** Whatever was on its way is not: the next handshake carries it all again. */
  disconnected(): void {
    this.#frames = []
  }
}
