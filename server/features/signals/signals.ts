/** Signals: checked, given an envelope, and told at once to whoever is in the room, on all nodes. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError, toWeftError } from '../../../shared/errors.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { Random } from '../../../shared/random.ts'
import { isReserved, type SignalOrder } from '../../../shared/signal-request.ts'
import type { SignalEnvelope, SignalSender } from '../../../shared/signals.ts'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { Fanout } from '../../fanout/fanout.ts'
import { NodeQuestions } from '../../fanout/node-questions.ts'
import { personOf } from '../../presence/person-of.ts'
import { DeclaredSignals } from './declared-signals.ts'
import type { SignalHooks } from './signal-hooks.ts'
import { SignalIds } from './signal-ids.ts'
import { SignalLimits } from './signal-limits.ts'
import {
  COUNTS_MAX,
  SIGNAL_CHANNEL,
  decodeSignalMessage,
  encodeSignalMessage,
  type SignalMessage,
} from './signal-message.ts'

export type SignalsOptions = {
  /** Tells the sessions of this node that are in the room, but not the sender's own; how many. */
  readonly tellHere: (room: string, told: ToldSignal) => number
  readonly hooks: SignalHooks
  readonly limits: {
    /** Of the data of one, as JSON. */
    readonly bytesMax: number
    readonly perSecond: number
  }
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  /** Answers to other nodes that gather until then leave together. */
  readonly defer?: (action: () => void) => void
}

export type ToldSignal = {
  readonly signal: SignalEnvelope
  /** The session that sent it: it gets none; null when there is no such thing here. */
  readonly sender: object | null
  /** Of whoever sent it: users whom it names are of the same; undefined: of any, as for keys of back ends. */
  readonly tenant: string | undefined
}

export type SignalSending = {
  /** The name of a document: who has it open is in the room. */
  readonly room: string
  /** Who may send; that they may has been asked already. */
  readonly principal: Principal
  readonly order: SignalOrder
  /** The sender's own session, and its client id in awareness. */
  readonly sender: object | null
  readonly session: number | undefined
}

export type SignalReceipt = {
  readonly id: string
  /** Sessions that it was sent to, over all nodes that answered in time. */
  readonly receivers: number
}

/** Under way at once. */
const QUESTIONS_MAX = 10_000

export class Signals {
  readonly #options: SignalsOptions
  readonly #declared: DeclaredSignals
  readonly #limits: SignalLimits
  readonly #ids: SignalIds
  readonly #questions: NodeQuestions<number>
  readonly #stop: () => void
  /** To make a name harmless takes longer than all the rest. */
  readonly #senders = new WeakMap<Principal, SignalSender>()
  /** Answers for other nodes. */
  #counts: [string, number][] = []

  constructor(options: SignalsOptions) {
    const { clock, random, fanout, limits } = options
    this.#options = options
    this.#declared = new DeclaredSignals(options)
    this.#limits = new SignalLimits({ ...options, perSecond: limits.perSecond })
    this.#ids = new SignalIds(clock, random)
    this.#questions = new NodeQuestions({ ...options, about: 'signals', most: QUESTIONS_MAX })
    const subscription = fanout?.subscribe(SIGNAL_CHANNEL, (payload, from) =>
      this.#onMessage(payload, from),
    )
    this.#stop = () => subscription?.close()
  }

  get bytesMax(): number {
    return this.#options.limits.bytesMax
  }

  /**
   * Tells it before the first wait: signals of one sender keep their order. Rejects with
   * SIGNAL_INVALID, SIGNAL_TOO_LARGE, TOPIC_UNKNOWN, SLOW_DOWN or HOOK_FAILED, and then nobody was told.
   */
  async send(sending: SignalSending): Promise<SignalReceipt> {
    const { room, sender, principal } = sending
    const tenant = principal.tenant ?? undefined
    const { tellHere, metrics } = this.#options
    let signal: SignalEnvelope
    try {
      signal = this.#envelope(sending)
    } catch (error) {
      metrics.signalsRefused.inc({ code: toWeftError(error).code })
      throw error
    }
    metrics.signalsSent.inc()
    const here = this.#told(tellHere(room, { signal, sender, tenant }))
    const others = await this.#questions.ask(question =>
      this.#say({ kind: 'tell', question, room, signal, tenant }),
    )
    return { id: signal.id, receivers: others.reduce((sum, count) => sum + count, here) }
  }

  /** May these be followed? Throws TOPIC_UNKNOWN. */
  requireTopics(patterns: readonly string[]): void {
    try {
      for (const pattern of patterns) this.#declared.requireTopic(pattern)
    } catch (error) {
      this.#options.metrics.signalsRefused.inc({ code: toWeftError(error).code })
      throw error
    }
  }

  /** Answers what is under way with what is known by now. */
  close(): Promise<void> {
    this.#stop()
    this.#questions.close()
    return Promise.resolve()
  }

  #envelope({ room, principal, order, session }: SignalSending): SignalEnvelope {
    const { clock } = this.#options
    const { type, to } = order
    // What is refused counts as well: a flood of it costs as much.
    this.#limits.take(principal, room)
    this.#questions.requireRoom()
    if (isReserved(type)) {
      throw new WeftError('SIGNAL_INVALID', `"${type}": only the server sends signals of that name`)
    }
    if (to.topic !== undefined) this.#declared.requireTopic(to.topic)
    this.#requireSize(order.data)
    const data = this.#declared.check(type, order.data)
    if (data !== order.data) this.#requireSize(data)
    const known = this.#fromOf(principal)
    const from = session === undefined ? known : { ...known, session }
    return { id: this.#ids.next(), type, ts: clock.now(), from, to, data: data ?? null }
  }

  #fromOf(principal: Principal): SignalSender {
    const known = this.#senders.get(principal)
    if (known !== undefined) return known
    const { id, name, kind } = personOf(principal)
    const from = { id, name, kind }
    this.#senders.set(principal, from)
    return from
  }

  #requireSize(data: unknown): void {
    const { bytesMax } = this.#options.limits
    const bytes = byteLength(data)
    if (bytes <= bytesMax) return
    const sentence = `${bytes} bytes of data; the limit is ${bytesMax} (WEFT_MAX_SIGNAL_BYTES)`
    throw new WeftError('SIGNAL_TOO_LARGE', sentence)
  }

  #told(count: number): number {
    this.#options.metrics.signalsReceived.inc(count)
    return count
  }

  #say(message: SignalMessage): void {
    this.#options.fanout?.publish(SIGNAL_CHANNEL, encodeSignalMessage(message))
  }

  #onMessage(payload: Uint8Array, from: string): void {
    try {
      this.#take(decodeSignalMessage(payload), from)
    } catch (error) {
      this.#options.metrics.nodeMessagesRefused.inc({ code: toWeftError(error).code })
    }
  }

  #take(message: SignalMessage, from: string): void {
    if (message.kind === 'tell') {
      const { room, signal, question, tenant } = message
      const count = this.#told(this.#options.tellHere(room, { signal, sender: null, tenant }))
      return this.#answer(question, count)
    }
    for (const [question, count] of message.counts) this.#questions.answered(question, from, count)
  }

  #answer(question: string, count: number): void {
    const { defer = setImmediate } = this.#options
    this.#counts.push([question, count])
    if (this.#counts.length === 1) defer(() => this.#tellCounts())
    else if (this.#counts.length === COUNTS_MAX) this.#tellCounts()
  }

  #tellCounts(): void {
    const counts = this.#counts
    this.#counts = []
    if (counts.length > 0) this.#say({ kind: 'got', counts })
  }
}

/** Of the JSON. Throws SIGNAL_INVALID for what cannot be written as such. */
function byteLength(data: unknown): number {
  try {
    const json = JSON.stringify(data) as string | undefined
    return json === undefined ? 0 : Buffer.byteLength(json)
  } catch (error) {
    // Nested without end, or of a schema that answers something of its own.
    throw new WeftError('SIGNAL_INVALID', 'data: it cannot be written as JSON', { cause: error })
  }
}
