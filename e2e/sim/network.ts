/** A network between sockets that are not there: both ends of each connection, cuts, and silence. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { integerBetween } from '../../shared/random.ts'
import type { SocketConstructor, SocketLike } from '../../client/sdk/socket.ts'
import { unpack } from './packed-frames.ts'
import type { Scope } from './schedule.ts'
import { Wire, type Weather, type WireOptions } from './wire.ts'

/** The listening end: undefined while no server runs. */
export type Listener = {
  readonly scope: Scope
  accept(connection: ServerEnd): void
}

export type NetworkOptions = WireOptions & {
  readonly listener: () => Listener | undefined
}

/** The server's end: as much of a `ws` socket, and of the stream under it, as weft uses. */
export class ServerEnd extends EventEmitter {
  readonly #wire: Wire
  readonly #client: ClientEnd
  /** What arrives while nobody reads. */
  #unread: (() => void)[] | undefined
  #closed = false

  constructor(wire: Wire, client: ClientEnd) {
    super()
    this.#wire = wire
    this.#client = client
  }

  get webSocket(): WebSocket {
    return this as unknown as WebSocket
  }

  get stream(): Socket {
    const end = this.#wire
    const stream: Record<string, unknown> = {
      write: (bytes: Buffer) => {
        for (const payload of unpack(bytes)) {
          end.carry('client', payload, heard => this.#client.hear(heard))
        }
        return true
      },
      // Nobody reads slowly here: a wire delays, and never fills.
      on: () => stream,
      cork: () => {},
      uncork: () => {},
      get writableLength() {
        return end.bytes.client
      },
    }
    return stream as unknown as Socket
  }

  pause(): void {
    this.#unread ??= []
  }

  /** As a stream does: not before whoever asked for it is done. */
  resume(): void {
    queueMicrotask(() => {
      const unread = this.#unread ?? []
      this.#unread = undefined
      // Reading the first may be a reason to read no further.
      for (const arrive of unread) this.#arrived(arrive)
    })
  }

  hear(bytes: Uint8Array): void {
    this.#arrived(() => {
      if (!this.#closed) this.emit('message', Buffer.from(bytes), true)
    })
  }

  #arrived(arrive: () => void): void {
    if (this.#unread === undefined) arrive()
    else this.#unread.push(arrive)
  }

  ping(): void {
    this.#wire.carry('client', null, () => {
      this.#wire.carry('server', null, () => {
        this.#arrived(() => {
          if (!this.#closed) this.emit('pong')
        })
      })
    })
  }

  close(code: number): void {
    this.#wire.carry('client', null, () => {
      this.#client.gone(code)
      this.#wire.carry('server', null, () => this.gone(1005))
    })
  }

  terminate(): void {
    const { silent } = this.#wire
    this.#wire.cut = true
    this.#wire.tell('server', () => this.gone(1006))
    if (!silent) this.#wire.tell('client', () => this.#client.gone(1006))
  }

  gone(code: number): void {
    if (this.#closed) return
    this.#closed = true
    this.#wire.cut = true
    this.emit('close', code)
  }
}

/** The client's end: what the sdk takes for a WebSocket. */
class ClientEnd implements SocketLike {
  binaryType = 'arraybuffer'
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly wire: Wire
  server: ServerEnd | undefined
  #closed = false

  constructor(wire: Wire) {
    this.wire = wire
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) return
    this.wire.carry('server', Uint8Array.from(bytes), heard => this.server?.hear(heard))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.wire.carry('server', null, () => this.server?.gone(1005))
  }

  hear(bytes: Uint8Array): void {
    if (this.#closed) return
    const data = Uint8Array.from(bytes).buffer
    this.onmessage?.({ data } as never)
  }

  gone(code: number): void {
    if (this.#closed) return
    this.#closed = true
    this.onclose?.({ code } as never)
  }
}

export class Network {
  readonly #options: NetworkOptions
  /** The latest connection of each client. */
  readonly #wires = new Map<string, ClientEnd>()

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** What a client on this device calls WebSocket. */
  socketFor(client: string, scope: Scope, weather: Weather): SocketConstructor {
    const connect = () => this.#connect({ client, scope, weather })
    // Called with `new`, a function that returns an object gives that object.
    return function SimulatedWebSocket() {
      return connect()
    } as unknown as SocketConstructor
  }

  #connect({
    client,
    scope,
    weather,
  }: {
    client: string
    scope: Scope
    weather: Weather
  }): ClientEnd {
    const { schedule, random, listener, log } = this.#options
    const server = listener()
    const scopes = { client: scope, server: server?.scope ?? scope }
    const wire = new Wire(this.#options, { client, scopes, weather })
    const end = new ClientEnd(wire)
    this.#wires.set(client, end)
    const delay = integerBetween(random, 0, weather.latencyMsMax)
    const { reachable } = weather
    log.add(client, `connects: ${server === undefined ? 'no server' : reachable}`)
    if (reachable === 'silent') return end
    schedule.after(scope, delay, () => {
      const answering = listener()
      if (
        reachable === 'refused' ||
        answering === undefined ||
        answering.scope !== wire.scopes.server
      ) {
        return end.gone(1006)
      }
      const accepted = new ServerEnd(wire, end)
      end.server = accepted
      answering.accept(accepted)
      end.onopen?.({} as never)
    })
    return end
  }

  /** The connection breaks; both ends are told, after a while. */
  drop(client: string): void {
    const end = this.#wires.get(client)
    if (end === undefined || end.wire.cut) return
    end.wire.cut = true
    end.wire.tell('client', () => end.gone(1006))
    end.wire.tell('server', () => end.server?.gone(1006))
  }

  /** The connection is dead, and nobody is told. */
  silence(client: string): void {
    const end = this.#wires.get(client)
    if (end !== undefined) end.wire.silent = true
  }

  /** The client's machine is gone: the server is told, or not. */
  clientDied(client: string, isTold: boolean): void {
    const end = this.#wires.get(client)
    if (end === undefined) return
    end.wire.cut = true
    if (isTold) end.wire.tell('server', () => end.server?.gone(1006))
  }

  /** The server's machine is gone: each client is told, or not. */
  serverDied(scope: Scope, isTold: (client: string) => boolean): void {
    for (const end of this.#wires.values()) {
      if (end.wire.scopes.server !== scope) continue
      end.wire.cut = true
      if (isTold(end.wire.client)) end.wire.tell('client', () => end.gone(1006))
    }
  }
}
