/** Questions to all other nodes: whoever has answered when the time is over is in the answer. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Random } from '../../shared/random.ts'
import type { Fanout } from './fanout.ts'

export type NodeQuestionsOptions = {
  /** What they are about, for the sentence of a refusal. */
  readonly about: string
  /** Under way at once; one more is refused. */
  readonly most: number
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly clock: Clock
  readonly random: Random
}

/** A node that has not answered by then is left out of the answer. */
const ANSWER_MS = 500

type Question<Answer> = {
  readonly answers: Answer[]
  /** Nodes that have not answered. */
  readonly waiting: Set<string>
  readonly resolve: () => void
}

/** What is said over which channel is the business of whoever asks. */
export class NodeQuestions<Answer> {
  readonly #options: NodeQuestionsOptions
  readonly #questions = new Map<string, Question<Answer>>()

  constructor(options: NodeQuestionsOptions) {
    this.#options = options
  }

  /** Throws SLOW_DOWN when too much is under way. */
  requireRoom(): void {
    const { about, most } = this.#options
    if (this.#questions.size < most) return
    const sentence = `${most} questions about ${about} are under way`
    throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: ANSWER_MS })
  }

  /**
   * Calls `say` with the number of the question, while there is a link to other nodes; answers of
   * those that are known, within half a second. Throws SLOW_DOWN, and then nothing was said.
   */
  async ask(say: (question: string) => void): Promise<readonly Answer[]> {
    const { fanout, clock, random } = this.#options
    if (fanout?.health().link !== 'up') return []
    this.requireRoom()
    const others = fanout.nodes()
    const question = random.id()
    if (others.length === 0) {
      // Somebody who has just come, and is not known yet, hears it all the same.
      say(question)
      return []
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked: Question<Answer> = { answers: [], waiting: new Set(others), resolve }
    this.#questions.set(question, asked)
    const cancel = clock.after(ANSWER_MS, resolve)
    say(question)
    await promise
    cancel()
    this.#questions.delete(question)
    return asked.answers
  }

  /** What a node has answered; late ones, and those that were not asked, are passed over. */
  answered(question: string, from: string, answer: Answer): void {
    const asked = this.#questions.get(question)
    if (asked === undefined || !asked.waiting.delete(from)) return
    asked.answers.push(answer)
    if (asked.waiting.size === 0) asked.resolve()
  }

  /** Answers what is under way with what is known by now. */
  close(): void {
    for (const { resolve } of this.#questions.values()) resolve()
  }
}
