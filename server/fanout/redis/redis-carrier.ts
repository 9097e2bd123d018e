/** Carries messages over Redis: one session after another, for as long as it takes. */
import { backoffMs, type BackoffOptions } from '../../../shared/backoff.ts'
import { sleep, type Cancel, type Clock } from '../../../shared/clock.ts'
import type { Random } from '../../../shared/random.ts'
import type { Carrier, CarrierEvents } from '../carrier.ts'
import { openSession } from './open-session.ts'
import { Placement } from './placement.ts'
import { PublishQueue } from './publish-queue.ts'
import type { RedisAddress } from './redis-address.ts'
import type { Message, Session } from './session.ts'
import { watch } from './watch.ts'

export type RedisCarrierOptions = {
  readonly address: RedisAddress
  /** Before every channel's name, so that two installations can share one Redis. */
  readonly prefix: string
  readonly clock: Clock
  readonly random: Random
  /** Around every attempt to connect: a circuit breaker, where there is one. */
  readonly guard?: <T>(attempt: () => Promise<T>) => Promise<T>
}

/** A server that was away for a moment is found soon, one that is away for long costs little. */
const reconnecting: BackoffOptions = { minMs: 50, maxMs: 2_000 }
const CONNECT_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 1_000

type State =
  | { readonly kind: 'waiting'; readonly cancel: Cancel }
  | { readonly kind: 'connecting'; readonly life: AbortController }
  | { readonly kind: 'placing'; readonly life: AbortController; readonly placement: Placement }
  | {
      readonly kind: 'up'
      readonly life: AbortController
      readonly placement: Placement
      readonly queue: PublishQueue
    }
  | { readonly kind: 'closed' }

export class RedisCarrier implements Carrier {
  readonly #options: RedisCarrierOptions
  readonly #wanted = new Set<string>()
  #events: CarrierEvents | undefined
  #state: State = { kind: 'waiting', cancel: () => {} }
  /** Attempts since Redis last answered for as long as a ping. */
  #attempt = 0

  constructor(options: RedisCarrierOptions) {
    this.#options = options
  }

  start(events: CarrierEvents): void {
    this.#events = events
    this.#connect()
  }

  join(channel: string): void {
    this.#wanted.add(this.#options.prefix + channel)
    this.#touch(channel)
  }

  leave(channel: string): void {
    this.#wanted.delete(this.#options.prefix + channel)
    this.#touch(channel)
  }

  send(channel: string, message: Uint8Array): boolean {
    if (this.#state.kind !== 'up') return false
    return this.#state.queue.add({ channel: this.#options.prefix + channel, bytes: message })
  }

  async close(): Promise<void> {
    const state = this.#state
    this.#state = { kind: 'closed' }
    if (state.kind === 'closed') return
    if (state.kind === 'waiting') return state.cancel()
    if (state.kind === 'up') {
      const enough = new AbortController()
      const timeOver = sleep(this.#options.clock, CLOSE_TIMEOUT_MS, enough.signal)
      await Promise.race([state.queue.drain(), timeOver])
      enough.abort()
    }
    state.life.abort()
  }

  #touch(channel: string): void {
    const state = this.#state
    if (state.kind !== 'placing' && state.kind !== 'up') return
    state.placement.touch(this.#options.prefix + channel)
  }

  #connect(): void {
    const life = new AbortController()
    this.#state = { kind: 'connecting', life }
    this.#establish(life).catch((error: unknown) => this.#fail(life, error))
  }

  /** Every step may find that the session ended in the meantime: then the next step rejects. */
  async #establish(life: AbortController): Promise<void> {
    const { clock } = this.#options
    const onFailure = (error: unknown) => this.#fail(life, error)
    const session = await this.#open(life)
    life.signal.throwIfAborted()
    const onJoined = (channel: string) => this.#joined(channel)
    const placement = new Placement({ session, wanted: this.#wanted, onJoined, onFailure })
    this.#state = { kind: 'placing', life, placement }
    const onAnswer = () => void (this.#attempt = 0)
    watch({ session, clock, signal: life.signal, onAnswer, onFailure })
    await placement.settle()
    life.signal.throwIfAborted()
    const queue = new PublishQueue({ write: messages => session.publish(messages), onFailure })
    this.#state = { kind: 'up', life, placement, queue }
    for (const channel of placement.placed) this.#joined(channel)
    this.#events?.up()
  }

  async #open(life: AbortController): Promise<Session> {
    const { clock, address, guard = attempt => attempt() } = this.#options
    const tooLate = new Error(`no answer for ${CONNECT_TIMEOUT_MS} ms`)
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () => this.#fail(life, tooLate))
    const open = () =>
      openSession({
        address,
        signal: life.signal,
        onMessage: (channel, bytes) => this.#take(life, { channel, bytes }),
        onBroken: reason => this.#fail(life, new Error(reason)),
      })
    try {
      return await guard(open)
    } finally {
      cancel()
    }
  }

  /** Told when the link is up, not before: a subscription is of use only together with the rest. */
  #joined(channel: string): void {
    if (this.#state.kind !== 'up') return
    this.#events?.joined(channel.slice(this.#options.prefix.length))
  }

  #take(life: AbortController, { channel, bytes }: Message): void {
    if (life.signal.aborted) return
    this.#events?.message(channel.slice(this.#options.prefix.length), bytes)
  }

  /** The first reason ends the session; whatever breaks after it is its consequence. */
  #fail(life: AbortController, error: unknown): void {
    if (life.signal.aborted) return
    life.abort()
    if (this.#state.kind === 'closed') return
    const { clock, random } = this.#options
    this.#attempt++
    const delayMs = backoffMs(this.#attempt, random, reconnecting)
    this.#state = { kind: 'waiting', cancel: clock.after(delayMs, () => this.#connect()) }
    this.#events?.down(error instanceof Error ? error.message : String(error))
  }
}
