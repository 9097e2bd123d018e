/** Fan-out inside one process: a single node, or those that share a bus in tests and simulations. */
import type { Carrier, CarrierEvents } from './carrier.ts'
import type { Fanout } from './fanout.ts'
import { NodeFanout, type NodeFanoutOptions } from './node-fanout.ts'

export type LocalFanoutOptions = NodeFanoutOptions & {
  /** Left out: a single node, which nobody hears. */
  readonly bus?: LocalBus
}

export function createLocalFanout(options: LocalFanoutOptions): Fanout {
  const { bus = new LocalBus(), random } = options
  const node = options.node ?? random.id()
  return new NodeFanout(new LocalCarrier(bus, node), { ...options, node })
}

/** Brings a message to a node: soon, late, or never. Messages of one node have to keep their order. */
export type Deliver = (
  carry: () => void,
  route: { readonly from: string; readonly to: string },
) => void

/** Where the nodes of one process meet. */
export class LocalBus {
  readonly #deliver: Deliver
  readonly #carriers = new Set<LocalCarrier>()
  readonly #cutOff = new Set<string>()
  #isCut = false

  constructor(deliver: Deliver = carry => queueMicrotask(carry)) {
    this.#deliver = deliver
  }

  /** Takes the link of one node down, or of all. What was on its way to them is lost. */
  cut(node?: string): void {
    if (node === undefined) this.#isCut = true
    else this.#cutOff.add(node)
    this.#tellAll()
  }

  restore(node?: string): void {
    if (node === undefined) this.#isCut = false
    else this.#cutOff.delete(node)
    this.#tellAll()
  }

  reaches(node: string): boolean {
    return !this.#isCut && !this.#cutOff.has(node)
  }

  attach(carrier: LocalCarrier): void {
    this.#carriers.add(carrier)
  }

  detach(carrier: LocalCarrier): void {
    this.#carriers.delete(carrier)
  }

  /** Puts bytes on a channel. Tests may be anybody, and say what no node would. */
  carry(channel: string, message: Uint8Array, from: string): void {
    for (const carrier of this.#carriers) {
      if (carrier.node === from || !carrier.hears(channel)) continue
      this.#deliver(() => carrier.take(channel, message), { from, to: carrier.node })
    }
  }

  #tellAll(): void {
    for (const carrier of this.#carriers) carrier.follow(this.reaches(carrier.node))
  }
}

class LocalCarrier implements Carrier {
  readonly node: string
  readonly #bus: LocalBus
  readonly #channels = new Set<string>()
  #events: CarrierEvents | undefined
  #isUp = false

  constructor(bus: LocalBus, node: string) {
    this.#bus = bus
    this.node = node
  }

  start(events: CarrierEvents): void {
    this.#events = events
    this.#bus.attach(this)
    this.follow(this.#bus.reaches(this.node))
  }

  join(channel: string): void {
    this.#channels.add(channel)
    if (this.#isUp) this.#events?.joined(channel)
  }

  leave(channel: string): void {
    this.#channels.delete(channel)
  }

  send(channel: string, message: Uint8Array): boolean {
    if (this.#isUp) this.#bus.carry(channel, message, this.node)
    return this.#isUp
  }

  close(): Promise<void> {
    this.#bus.detach(this)
    this.#isUp = false
    return Promise.resolve()
  }

  hears(channel: string): boolean {
    return this.#isUp && this.#channels.has(channel)
  }

  /** What arrives; it may have been left, or cut off, while the message was on its way. */
  take(channel: string, message: Uint8Array): void {
    if (this.hears(channel)) this.#events?.message(channel, message)
  }

  /** The link as the bus has it now. */
  follow(isUp: boolean): void {
    if (isUp === this.#isUp) return
    this.#isUp = isUp
    if (!isUp) return this.#events?.down('the bus is cut')
    for (const channel of this.#channels) this.#events?.joined(channel)
    this.#events?.up()
  }
}
