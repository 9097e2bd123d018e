/** Signals of one open document: sent while it is connected, or not at all; never kept for later. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import { WeftError, type WireError } from '../../../shared/errors.ts'
import type { ControlMessage, RequestAnswer } from '../../../shared/protocol.ts'
import { matchesTopic, type SignalAudience, type SignalEnvelope } from '../../../shared/signals.ts'
import { FollowedTopics } from './followed-topics.ts'

export type SignalListener = (signal: SignalEnvelope) => void

export type SignalReceipt = {
  /** In the order of time. */
  readonly id: string
  /** Sessions that it was sent to, on all nodes. */
  readonly receivers: number
}

export type OutgoingSignal = {
  readonly type: string
  readonly data: unknown
  readonly to: SignalAudience
}

type SignalMessage = Extract<ControlMessage, { type: 'weft.signal' | 'weft.answer' }>

type Pending = {
  readonly resolve: (answer: RequestAnswer) => void
  readonly reject: (error: WeftError) => void
  readonly cancel: Cancel
}

/** Waiting for their answers at once. */
const PENDING_MAX = 1_000
/** Longer than the server waits for its other nodes, by far. */
const ANSWER_MS = 10_000
/** The server would close the socket over a frame beyond its limit, and all documents on it. */
const PAYLOAD_LENGTH_MAX = 128 << 10
const NOT_CONNECTED = 'not connected; whenSynced() resolves when signals can be sent'

export class SignalDesk {
  readonly #clock: Clock
  readonly #listeners = new Set<{ readonly pattern: string; readonly listener: SignalListener }>()
  readonly #pending = new Map<number, Pending>()
  readonly #topics: FollowedTopics
  /** Goes on over connections: an answer that is late is nobody's. */
  #lastRef = 0
  /** undefined while the server has not let us in. */
  #say: ((payload: string) => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#topics = new FollowedTopics({
      clock,
      ask: topics => this.#ask('weft.follow', { topics }),
    })
  }

  // --- what the application wants ----------------------------------------------------------------

  /** Rejects with a {@link WeftError}; at once, with one that is retryable, when not connected. */
  async send({ type, data, to }: OutgoingSignal): Promise<SignalReceipt> {
    // Absent data would not be in the JSON.
    const signal = { type, to, data: data === undefined ? null : data }
    const { sent } = await this.#ask('weft.send', { signal })
    if (sent === undefined) throw unavailable('the server has not said what became of it')
    return sent
  }

  listen(pattern: string, listener: SignalListener): () => void {
    const entry = { pattern, listener }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  follow(pattern: string, onError: (error: WeftError) => void): () => void {
    return this.#topics.follow(pattern, onError)
  }

  // --- what the channel tells --------------------------------------------------------------------

  /** The server has let us in: it knows of no topics yet. */
  began(say: (payload: string) => void): void {
    this.ended()
    this.#say = say
    this.#topics.began()
  }

  /** Whatever waits for an answer will have none. */
  ended(): void {
    this.#say = undefined
    this.#topics.ended()
    for (const { reject } of Array.from(this.#pending.values())) {
      reject(unavailable('the connection was lost before the server answered'))
    }
  }

  heard(message: SignalMessage | undefined): void {
    if (message === undefined) return undefined
    if (message.type === 'weft.answer') return this.#answered(message)
    const { signal } = message
    for (const { pattern, listener } of Array.from(this.#listeners)) {
      if (matchesTopic(pattern, signal.type)) call(listener, signal)
    }
  }

  // -----------------------------------------------------------------------------------------------

  #ask(type: 'weft.send' | 'weft.follow', content: object): Promise<RequestAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RequestAnswer>()
    try {
      this.#say?.(this.#request({ type, content }, { resolve, reject }))
      if (this.#say === undefined) reject(unavailable(NOT_CONNECTED))
    } catch (error) {
      reject(error)
    }
    return promise
  }

  #request(
    { type, content }: { readonly type: string; readonly content: object },
    { resolve, reject }: Pick<Pending, 'resolve' | 'reject'>,
  ): string {
    if (this.#pending.size >= PENDING_MAX) {
      const sentence = `${PENDING_MAX} signals wait for their answers`
      throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 })
    }
    const ref = ++this.#lastRef
    const payload = written({ type, ref, ...content })
    const cancel = this.#clock.after(ANSWER_MS, () =>
      settle(() => reject(unavailable('the server has not answered'))),
    )
    const settle = (how: () => void) => {
      cancel()
      this.#pending.delete(ref)
      how()
    }
    this.#pending.set(ref, {
      resolve: answer => settle(() => resolve(answer)),
      reject: error => settle(() => reject(error)),
      cancel,
    })
    return payload
  }

  #answered(answer: RequestAnswer): void {
    const asked = this.#pending.get(answer.ref)
    if (asked === undefined) return
    if (answer.error === undefined) asked.resolve(answer)
    else asked.reject(toError(answer.error))
  }
}

/** Throws SIGNAL_INVALID and -TOO_LARGE. */
function written(request: object): string {
  let payload: string
  try {
    payload = JSON.stringify(request)
  } catch (error) {
    throw new WeftError('SIGNAL_INVALID', 'the data cannot be written as JSON', { cause: error })
  }
  if (payload.length <= PAYLOAD_LENGTH_MAX) return payload
  throw new WeftError('SIGNAL_TOO_LARGE', `a signal of ${payload.length} characters`)
}

/** What a listener throws is the application's, and hurts neither us nor its other listeners. */
function call(listener: SignalListener, signal: SignalEnvelope): void {
  try {
    listener(signal)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

function toError({ code, message, retryAfterMs }: WireError): WeftError {
  return new WeftError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs })
}

function unavailable(sentence: string): WeftError {
  return new WeftError('DOCUMENT_UNAVAILABLE', sentence)
}
