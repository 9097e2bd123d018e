/** Who is where, on all nodes: each is asked for its own sessions, when somebody wants to know. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { Random } from '../../shared/random.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
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

/** A node that has not answered by then is left out of the answer. */
const ANSWER_MS = 500
/** Questions under way at once. */
const QUESTIONS_MAX = 500

type Question = {
  readonly states: PresentState[]
  /** Nodes that have not answered. */
  readonly waiting: Set<string>
  readonly resolve: () => void
}

export class People {
  readonly #options: PeopleOptions
  readonly #questions = new Map<string, Question>()
  readonly #stop: () => void

  constructor(options: PeopleOptions) {
    this.#options = options
    const subscription = options.fanout?.subscribe(PEOPLE_CHANNEL, (payload, from) =>
      this.#onMessage(payload, from),
    )
    this.#stop = () => subscription?.close()
  }

  /** Every session's state, within half a second. Throws SLOW_DOWN. */
  async find(query: PeopleQuery): Promise<readonly PresentState[]> {
    const { here, fanout, clock, random } = this.#options
    const own = here(query)
    const others = fanout?.health().link === 'up' ? fanout.nodes() : []
    if (others.length === 0) return own
    if (this.#questions.size >= QUESTIONS_MAX) {
      const sentence = `${QUESTIONS_MAX} questions about people are under way`
      throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: ANSWER_MS })
    }
    const question = random.id()
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked: Question = { states: [...own], waiting: new Set(others), resolve }
    this.#questions.set(question, asked)
    const cancel = clock.after(ANSWER_MS, resolve)
    this.#say({ kind: 'ask', question, query })
    await promise
    cancel()
    this.#questions.delete(question)
    return asked.states
  }

  /** Tells the other nodes that an agent is not there any more, whichever has it. */
  tellLeft(agent: AgentAddress): void {
    this.#say({ kind: 'leave', agent })
  }

  /** Answers what is under way with what is known by now. */
  close(): Promise<void> {
    this.#stop()
    for (const { resolve } of this.#questions.values()) resolve()
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
    const asked = this.#questions.get(message.question)
    if (asked === undefined || !asked.waiting.delete(from)) return
    asked.states.push(...message.states)
    if (asked.waiting.size === 0) asked.resolve()
  }
}
