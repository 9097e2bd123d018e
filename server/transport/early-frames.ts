/** Frames for a document that is still opening. */
import type { Backlog } from './backlog.ts'

type Kept<Frame> = { readonly frame: Frame; readonly bytes: number }

/** What a client sends without waiting for the answer: a state vector, presence. */
const GREETING = { frames: 4, bytes: 16 << 10 }

export class EarlyFrames<Frame> {
  readonly #backlog: Backlog
  readonly #bytesMax: number
  #kept: Kept<Frame>[] = []
  #bytes = 0

  /** More than `bytesMax` is not kept, whatever was on its way when reading stopped. */
  constructor(backlog: Backlog, bytesMax: number) {
    this.#backlog = backlog
    this.#bytesMax = bytesMax
  }

  /** False when there is no room for it. */
  add(frame: Frame, bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#kept.push({ frame, bytes })
    this.#bytes += bytes
    this.#backlog.grow(bytes, this.#kept.length > GREETING.frames ? 1 : 0)
    return true
  }

  /** All of them, in order; from then on there are none. */
  take(): readonly Frame[] {
    const kept = this.#kept
    this.#kept = []
    this.#backlog.shrink(this.#bytes, Math.max(0, kept.length - GREETING.frames))
    this.#bytes = 0
    return kept.map(({ frame }) => frame)
  }

  /** Lets go of all but a greeting; returns what nobody will hear. */
  shed(isGreeting: (frame: Frame) => boolean): readonly Frame[] {
    const before = this.#kept
    this.take()
    const lost: Frame[] = []
    for (const { frame, bytes } of before) {
      const fits = this.#kept.length < GREETING.frames && this.#bytes + bytes <= GREETING.bytes
      if (!fits || !isGreeting(frame)) lost.push(frame)
      else this.add(frame, bytes)
    }
    return lost
  }
}
