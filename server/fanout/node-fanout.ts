/** A node's fan-out over any carrier: envelopes, subscriptions, the other nodes, and what is counted. */
import { assert } from '../../shared/assert.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Carrier } from './carrier.ts'
import { Channels } from './channels.ts'
import {
  CHANNEL_CHARACTERS_MAX,
  MESSAGE_BYTES_MAX,
  createEnvelopeCodec,
  type EnvelopeCodec,
} from './envelope.ts'
import type { Fanout, FanoutHealth, FanoutLink, FanoutListener, Subscription } from './fanout.ts'
import { Listeners } from './listeners.ts'
import { Members } from './members.ts'

export type NodeFanoutOptions = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The id of this node; drawn when left out. */
  readonly node?: string | undefined
  /** Set on all nodes or on none: messages are signed, and those of others are rejected. */
  readonly secret?: string | undefined
}

/** The channel of heartbeats; whoever uses the fan-out keeps away from `fanout:`. */
export const NODES_CHANNEL = 'fanout:nodes'
const HERE = 1
const GOODBYE = 0
const REJECTED_LOG_MS = 60_000

export class NodeFanout implements Fanout {
  readonly node: string
  readonly #carrier: Carrier
  readonly #clock: Clock
  readonly #log: Logger
  readonly #codec: EnvelopeCodec
  readonly #members: Members
  readonly #channels: Channels
  readonly #linkListeners: Listeners<FanoutLink>
  readonly #hereListeners: Listeners<string>
  readonly #goneListeners: Listeners<string>
  readonly #counts = { published: 0, received: 0, dropped: 0, rejected: 0 }
  #state: State = { kind: 'down', reason: 'not connected yet' }
  #rejectedLoggedAt = -Infinity

  constructor(carrier: Carrier, options: NodeFanoutOptions) {
    const { clock, random, log } = options
    this.node = options.node ?? random.id()
    this.#carrier = carrier
    this.#clock = clock
    this.#log = log
    this.#codec = createEnvelopeCodec(options.secret)
    const onThrow = (what: string) => (error: unknown) =>
      log.error({ err: error }, `a listener of the fan-out's ${what} threw`)
    this.#linkListeners = new Listeners(onThrow('link'))
    this.#hereListeners = new Listeners(onThrow('nodes'))
    this.#goneListeners = new Listeners(onThrow('nodes'))
    this.#channels = new Channels({
      join: channel => carrier.join(channel),
      leave: channel => carrier.leave(channel),
      onThrow: (channel, error) =>
        log.error({ err: error, channel }, 'a listener of a fan-out channel threw'),
    })
    this.#members = new Members({
      clock,
      random,
      beat: () => void this.#send(NODES_CHANNEL, Uint8Array.of(HERE)),
      onHere: node => this.#hereListeners.tell(node),
      onGone: node => this.#goneListeners.tell(node),
    })
    carrier.join(NODES_CHANNEL)
    carrier.start({
      message: (channel, bytes) => this.#receive(channel, bytes),
      joined: channel => this.#channels.joined(channel),
      up: () => this.#up(),
      down: reason => this.#down(reason),
    })
  }

  subscribe(channel: string, listener: FanoutListener): Subscription {
    assert(channel.length > 0 && channel.length <= CHANNEL_CHARACTERS_MAX, 'a channel has a name')
    assert(!channel.startsWith('fanout:'), 'channels of the fan-out are not for its users')
    if (this.#state.kind === 'closed') return { ready: new Promise(() => {}), close() {} }
    return this.#channels.subscribe(channel, listener)
  }

  publish(channel: string, payload: Uint8Array): void {
    if (this.#send(channel, payload)) this.#counts.published++
    else this.#counts.dropped++
  }

  onLink(listener: (link: FanoutLink) => void): () => void {
    return this.#linkListeners.add(listener)
  }

  nodes(): readonly string[] {
    return this.#members.nodes
  }

  onNodeHere(listener: (node: string) => void): () => void {
    return this.#hereListeners.add(listener)
  }

  onNodeGone(listener: (node: string) => void): () => void {
    return this.#goneListeners.add(listener)
  }

  health(): FanoutHealth {
    const counts = { ...this.#counts }
    if (this.#state.kind === 'up') return { link: 'up', ...counts }
    const reason = this.#state.kind === 'closed' ? 'closed' : this.#state.reason
    return { link: 'down', reason, ...counts }
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return
    this.#members.stop()
    // Before the connections go: others need not wait until this node's silence is long enough.
    this.#send(NODES_CHANNEL, Uint8Array.of(GOODBYE))
    this.#state = { kind: 'closed' }
    this.#channels.clear()
    await this.#carrier.close()
  }

  #send(channel: string, payload: Uint8Array): boolean {
    if (this.#state.kind !== 'up' || channel.length > CHANNEL_CHARACTERS_MAX) return false
    const message = this.#codec.encode({ node: this.node, channel, payload })
    return message.byteLength <= MESSAGE_BYTES_MAX && this.#carrier.send(channel, message)
  }

  #receive(channel: string, bytes: Uint8Array): void {
    if (this.#state.kind === 'closed') return
    const envelope = this.#codec.decode(bytes)
    // A message that was taken from one channel and put on another one is none of ours.
    if (envelope === undefined || envelope.channel !== channel) return this.#reject(channel)
    const { node, payload } = envelope
    if (node === this.node) return
    if (channel === NODES_CHANNEL) return this.#receiveBeat(node, payload)
    if (this.#channels.deliver(channel, payload, node) > 0) this.#counts.received++
  }

  #receiveBeat(node: string, payload: Uint8Array): void {
    if (payload.byteLength !== 1) return this.#reject(NODES_CHANNEL)
    if (payload[0] === HERE) this.#members.heard(node)
    else if (payload[0] === GOODBYE) this.#members.left(node)
    else this.#reject(NODES_CHANNEL)
  }

  #reject(channel: string): void {
    this.#counts.rejected++
    const now = this.#clock.monotonic()
    if (now - this.#rejectedLoggedAt < REJECTED_LOG_MS) return
    this.#rejectedLoggedAt = now
    const { rejected } = this.#counts
    this.#log.warn(
      { channel, rejected },
      'messages between nodes were rejected: check who may publish',
    )
  }

  #up(): void {
    if (this.#state.kind !== 'down') return
    this.#state = { kind: 'up' }
    this.#log.info({ node: this.node }, 'the fan-out is connected')
    this.#members.start()
    this.#linkListeners.tell('up')
  }

  #down(reason: string): void {
    if (this.#state.kind === 'closed') return
    const wasUp = this.#state.kind === 'up'
    this.#state = { kind: 'down', reason }
    // Also when it was not up yet: some channels may have been in place by then.
    this.#channels.parted()
    if (!wasUp) return
    this.#log.warn({ reason }, 'the fan-out lost its connection')
    this.#linkListeners.tell('down')
  }
}

type State =
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly reason: string }
  | { readonly kind: 'closed' }
