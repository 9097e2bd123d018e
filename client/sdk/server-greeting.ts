/** Whom a channel listens to: of a document whose hello was not heard nothing is taken in. */
import { syncStep } from '../../shared/frames.ts'
import type { ServerHello } from '../../shared/protocol.ts'

/** From here on each question is answered, and handshakes say which document they are about. */
const ANSWERS_SINCE = 3

export class ServerGreeting {
  #isWeft = false
  #protocol = 0
  /** What the hello of this attachment said. */
  #incarnation: string | undefined
  /** The server's state was taken in: what comes before it is in it. */
  #hasState = false
  #isDeaf = false

  /** Does a server of ours answer on this socket? */
  get isWeft(): boolean {
    return this.#isWeft
  }

  /** Between a goodbye and the next hello all is still about what was before. */
  get isDeaf(): boolean {
    return this.#isDeaf
  }

  /** Does the server answer every check? */
  get isAnswering(): boolean {
    return this.#protocol >= ANSWERS_SINCE
  }

  heard({ protocol, incarnation }: ServerHello): void {
    this.#isWeft = true
    this.#protocol = protocol
    if (incarnation !== this.#incarnation) this.#hasState = false
    this.#incarnation = incarnation
    this.#isDeaf = false
  }

  /** The attachment is over; on a new socket nothing of it is on its way any more. */
  left({ isSocketNew }: { readonly isSocketNew: boolean }): void {
    this.#incarnation = undefined
    this.#hasState = false
    // A stock server has no hello that could be waited for.
    this.#isDeaf = !isSocketNew && this.#isWeft
  }

  /**
   * May this sync frame be taken in? `incarnation` is what a server of ours says in a handshake. A
   * copy that does not know which document it is of would join the next one of that name.
   */
  accepts(step: number, incarnation: string | undefined): boolean {
    if (incarnation !== undefined) this.#isWeft = true
    if (this.#isDeaf) return false
    if (step === syncStep.update) return this.#hasState
    if (this.#isWeft && this.#incarnation === undefined) return false
    if (incarnation !== undefined && incarnation !== this.#incarnation) return false
    if (step === syncStep.step2) this.#hasState = true
    return true
  }
}
