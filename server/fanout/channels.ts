/** Who listens to which channel, and whether its messages arrive yet. */
import type { FanoutListener, Subscription } from './fanout.ts'

type Listening = { readonly listener: FanoutListener }

type Channel = {
  readonly listening: Set<Listening>
  state:
    | { readonly kind: 'joining'; readonly ready: Promise<void>; readonly resolve: () => void }
    | { readonly kind: 'joined' }
}

export type ChannelsOptions = {
  /** The first listener of a channel came, or the last one left. */
  readonly join: (channel: string) => void
  readonly leave: (channel: string) => void
  readonly onThrow: (channel: string, error: unknown) => void
}

export class Channels {
  readonly #options: ChannelsOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: ChannelsOptions) {
    this.#options = options
  }

  subscribe(name: string, listener: FanoutListener): Subscription {
    let channel = this.#channels.get(name)
    const isNew = channel === undefined
    channel ??= { listening: new Set(), state: joining() }
    const listening = { listener }
    channel.listening.add(listening)
    if (isNew) {
      this.#channels.set(name, channel)
      this.#options.join(name)
    }
    const { state } = channel
    return {
      ready: state.kind === 'joined' ? Promise.resolve() : state.ready,
      close: () => this.#unsubscribe(name, listening),
    }
  }

  /** How many subscriptions took the message. */
  deliver(name: string, payload: Uint8Array, from: string): number {
    const channel = this.#channels.get(name)
    if (channel === undefined) return 0
    for (const { listener } of channel.listening) {
      try {
        listener(payload, from)
      } catch (error) {
        this.#options.onThrow(name, error)
      }
    }
    return channel.listening.size
  }

  joined(name: string): void {
    const channel = this.#channels.get(name)
    if (channel === undefined || channel.state.kind === 'joined') return
    channel.state.resolve()
    channel.state = { kind: 'joined' }
  }

  /** The link is down: whoever subscribes now waits until messages arrive again. */
  parted(): void {
    for (const channel of this.#channels.values()) {
      if (channel.state.kind === 'joined') channel.state = joining()
    }
  }

  clear(): void {
    this.#channels.clear()
  }

  #unsubscribe(name: string, listening: Listening): void {
    const channel = this.#channels.get(name)
    // Closed twice, or the fan-out was closed before: the channel may belong to others by now.
    if (channel === undefined || !channel.listening.delete(listening)) return
    if (channel.listening.size > 0) return
    this.#channels.delete(name)
    this.#options.leave(name)
  }
}

function joining() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { kind: 'joining', ready: promise, resolve } as const
}
