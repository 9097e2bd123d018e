/** Who is where, on all nodes: each is asked for its own sessions, when somebody wants to know. */
import type { Clock } from '../../shared/clock.ts'
import { toWeftError } from '../../shared/errors.ts'
import type { Random } from '../../shared/random.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
import { NodeQuestions } from '../fanout/node-questions.ts'
import {
  ANSWER_MAX,
  PEOPLE_CHANNEL,
  decodePeopleMessage,
  encodePeopleMessage,
  type AgentAddress,
  type PeopleMessage,
  type PeopleQuery,
  type PresentState,
} from './people-message.ts'

export type PeopleOptions = {
  /** Sessions of this node. */
  readonly here: (query: PeopleQuery) => readonly PresentState[]
  /** Another node was told that this agent has left. */
  readonly onAgentLeft: (agent: AgentAddress) => void
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
}

/** Questions under way at once. */
const QUESTIONS_MAX = 500

export class People {
  readonly #options: PeopleOptions
  readonly #questions: NodeQuestions<readonly PresentState[]>
  readonly #stop: () => void

  constructor(options: PeopleOptions) {
    this.#options = options
    this.#questions = new NodeQuestions({ ...options, about: 'people', most: QUESTIONS_MAX })
    const subscription = options.fanout?.subscribe(PEOPLE_CHANNEL, (payload, from) =>
      this.#onMessage(payload, from),
    )
    this.#stop = () => subscription?.close()
  }

  /** Every session's state, within half a second. Throws SLOW_DOWN. */
  async find(query: PeopleQuery): Promise<readonly PresentState[]> {
    const own = this.#options.here(query)
    const others = await this.#questions.ask(question =>
      this.#say({ kind: 'ask', question, query }),
    )
    return [own, ...others].flat()
  }

  /** Tells the other nodes that an agent is not there any more, whichever has it. */
  tellLeft(agent: AgentAddress): void {
    this.#say({ kind: 'leave', agent })
  }

  /** Answers what is under way with what is known by now. */
  close(): Promise<void> {
    this.#stop()
    this.#questions.close()
    return Promise.resolve()
  }

  #say(message: PeopleMessage): void {
    this.#options.fanout?.publish(PEOPLE_CHANNEL, encodePeopleMessage(message))
  }

  #onMessage(payload: Uint8Array, from: string): void {
    try {
      this.#take(decodePeopleMessage(payload), from)
    } catch (error) {
      this.#options.metrics.nodeMessagesRefused.inc({ code: toWeftError(error).code })
    }
  }

  #take(message: PeopleMessage, from: string): void {
    if (message.kind === 'leave') return this.#options.onAgentLeft(message.agent)
    if (message.kind === 'ask') {
      const states = this.#options.here(message.query).slice(0, ANSWER_MAX)
      return this.#say({ kind: 'answer', question: message.question, states })
    }
    this.#questions.answered(message.question, from, message.states)
  }
}
