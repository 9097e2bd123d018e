/** Messages on their way to Redis: those of one turn go out in one write, and there is a limit. */
import type { Message } from './session.ts'

export type PublishQueueOptions = {
  /** Resolves once Redis has them. */
  readonly write: (messages: readonly Message[]) => Promise<void>
  readonly onFailure: (error: unknown) => void
}

/** More than this waiting means that Redis, or the way to it, does not keep up. */
const WAITING_BYTES_MAX = 8 << 20
/** What a message costs beside its bytes, so that empty ones count as well. */
const MESSAGE_COST_BYTES = 128

/**
 * Coalesces while busy and never waits when idle: while one write is on its way, what comes in the
 * meantime gathers for the next one. A message by itself costs five times one in a crowd.
 */
export class PublishQueue {
  readonly #options: PublishQueueOptions
  #messages: Message[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined

  constructor(options: PublishQueueOptions) {
    this.#options = options
  }

  /** False when too much waits. */
  add(message: Message): boolean {
    const bytes = costOf(message)
    // One that is as large as the limit goes out alone rather than never.
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > WAITING_BYTES_MAX) return false
    this.#waitingBytes += bytes
    this.#messages.push(message)
    this.#writing ??= this.#writeUntilEmpty()
    return true
  }

  /** Resolves once Redis has all of it, or never will. */
  async drain(): Promise<void> {
    await this.#writing
  }

  async #writeUntilEmpty(): Promise<void> {
    // After what this turn has read from its sockets, so that nobody waits for a timer.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#messages.length > 0) {
      const messages = this.#messages
      this.#messages = []
      await this.#options.write(messages).catch(this.#options.onFailure)
      this.#waitingBytes -= messages.reduce((sum, message) => sum + costOf(message), 0)
    }
    this.#writing = undefined
  }
}

function costOf({ channel, bytes }: Message): number {
  return bytes.byteLength + channel.length + MESSAGE_COST_BYTES
}
