/** What one socket has said and nobody has looked at yet: bounded, because it is not read on. */
import type { Cancel, Clock } from '../../shared/clock.ts'

export type BacklogOptions = {
  readonly bytesMax: number
  readonly clock: Clock
  /** True: there is more than there should be, and the socket is not to be read. */
  readonly onFull: (isFull: boolean) => void
  /** Full for so long that others on the socket have waited enough. */
  readonly onStuck: () => void
}

/** Beyond those that every document may have waiting. */
const FRAMES_MAX = 64
/** A document that opens slowly must not keep the others of its socket waiting. */
const STUCK_AFTER_MS = 2_000

export class Backlog {
  readonly #options: BacklogOptions
  #bytes = 0
  #frames = 0
  #cancelStuck: Cancel | undefined

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  grow(bytes: number, frames: number): void {
    this.#bytes += bytes
    this.#frames += frames
    this.#look()
  }

  shrink(bytes: number, frames: number): void {
    this.#bytes -= bytes
    this.#frames -= frames
    this.#look()
  }

  close(): void {
    this.#cancelStuck?.()
    this.#cancelStuck = undefined
  }

  #look(): void {
    const { bytesMax, clock, onFull, onStuck } = this.#options
    const isFull = this.#bytes > bytesMax || this.#frames > FRAMES_MAX
    if (isFull === (this.#cancelStuck !== undefined)) return
    if (isFull) this.#cancelStuck = clock.after(STUCK_AFTER_MS, onStuck)
    else this.close()
    onFull(isFull)
  }
}
