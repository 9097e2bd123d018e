/** All sockets of this server: where they connect, how many there are, how they end. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Metrics } from '../base/metrics.ts'
import { ClientSocket, type ClientSocketLimits } from './client-socket.ts'
import type { DocumentDoor } from './document-door.ts'
import { HocuspocusConnection } from './hocuspocus/hocuspocus-connection.ts'
import { Lobby } from './hocuspocus/lobby.ts'
import { checkOrigin, type OriginRule } from './origin-check.ts'
import { TurnFlusher } from './turn-flusher.ts'
import { YConnection } from './y-websocket/y-connection.ts'

export type SocketsOptions = {
  readonly door: DocumentDoor
  readonly origins: OriginRule
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly limits: ClientSocketLimits & {
    readonly connectionsMax: number
    /** Sockets that have shown no token yet, in all and from one address. */
    readonly unknownMax: number
    readonly unknownPerAddressMax: number
    readonly documentsMax: number
    readonly queueBytesMax: number
    readonly authTimeoutMs: number
    readonly pingIntervalMs: number
  }
}

type Connection = HocuspocusConnection | YConnection
type Protocol = 'hocuspocus' | 'y-websocket'
type Route = { readonly schema: SchemaRange | undefined } & (
  | { readonly protocol: 'hocuspocus' }
  | { readonly protocol: 'y-websocket'; readonly name: string; readonly token: string }
)

/** A y-websocket client that gives its token as a subprotocol names this one before it. */
const SUBPROTOCOL = 'weft'
const RETURN_MS = { min: 1_000, spread: 4_500 }
const CLOSE_WAIT_MS = 50
/** Long enough for the answer to be read. */
const REFUSED_OPEN_MS = 1_000

export class Sockets {
  readonly #options: SocketsOptions
  readonly #server: WebSocketServer
  readonly #lobby = new Lobby()
  readonly #flusher = new TurnFlusher()
  readonly #connections = new Map<Connection, ClientSocket>()
  readonly #cancelPings: Cancel
  /** Addresses of sockets that have shown no token yet. */
  readonly #unknown = new Map<ClientSocket, string>()
  #nextId = 1
  #stopping = false

  constructor(options: SocketsOptions) {
    this.#options = options
    this.#server = new WebSocketServer({
      noServer: true,
      // Beyond twice the limit ws cuts the frame off itself (1009); up to there it is ours to name.
      maxPayload: options.limits.frameBytesMax * 2,
      // Yjs updates are dense already, and an inflated frame costs what the client did not pay.
      perMessageDeflate: false,
      handleProtocols: offered => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : first(offered)),
    })
    this.#cancelPings = every(options.clock, options.limits.pingIntervalMs, () => this.#ping())
  }

  get count(): number {
    return this.#connections.size
  }

  /** For the `upgrade` event of an HTTP server. */
  upgrade(request: IncomingMessage, stream: Socket, head: Buffer): void {
    // A socket that breaks before it is a WebSocket must not end the process.
    stream.on('error', error => this.#options.log.debug({ err: error }, 'an upgrade broke off'))
    try {
      const route = this.#route(request)
      this.#server.handleUpgrade(request, stream, head, webSocket =>
        this.#accept(route, webSocket, stream),
      )
    } catch (error) {
      this.#refuse(stream, toWeftError(error))
    }
  }

  #route(request: IncomingMessage): Route {
    const { limits, origins } = this.#options
    if (this.#stopping) throw new WeftError('SHUTTING_DOWN', 'the server is shutting down')
    if (this.#connections.size >= limits.connectionsMax) {
      throw new WeftError('TOO_MANY_CONNECTIONS', `${limits.connectionsMax} sockets are open`)
    }
    this.#refuseCrowd(request)
    checkOrigin(request, origins)
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    const parameters = new URLSearchParams(query)
    const schema = readSchema(parameters.get('schema'))
    if (path === '/sync') return { protocol: 'hocuspocus', schema }
    if (path.startsWith('/y/')) {
      const token = parameters.get('token') ?? subprotocolToken(request)
      return { protocol: 'y-websocket', name: path.slice('/y/'.length), token, schema }
    }
    throw new WeftError('ROUTE_NOT_FOUND', 'no socket is served at this address')
  }

  #accept(route: Route, webSocket: WebSocket, stream: Socket): void {
    const { clock, metrics, limits, door } = this.#options
    const { protocol } = route
    const log = this.#options.log.child({ socket: this.#nextId++, protocol })
    const flusher = this.#flusher
    const socket = new ClientSocket({
      webSocket,
      stream,
      protocol,
      limits,
      flusher,
      clock,
      log,
      metrics,
    })
    metrics.connectionsTotal.inc()
    metrics.connections.inc({ protocol })
    this.#unknown.set(socket, stream.remoteAddress ?? '')
    const onAuthenticated = () => {
      this.#unknown.delete(socket)
      socket.welcome()
    }
    const onClose = () => {
      this.#unknown.delete(socket)
      this.#forget(connection, protocol)
    }
    const { queueBytesMax } = limits
    const situation = { address: stream.remoteAddress ?? null }
    const connection: Connection =
      route.protocol === 'hocuspocus'
        ? new HocuspocusConnection({
            socket,
            schema: route.schema,
            lobby: this.#lobby,
            door,
            situation,
            clock,
            metrics,
            limits,
            onAuthenticated,
            onClose,
          })
        : new YConnection({
            socket,
            door,
            situation,
            metrics,
            queueBytesMax,
            onAuthenticated,
            onClose,
            name: route.name,
            token: route.token,
            schema: route.schema,
          })
    this.#connections.set(connection, socket)
  }

  /** Whoever only opens sockets and never says who they are must not fill the house. */
  #refuseCrowd({ socket }: IncomingMessage): void {
    const { unknownMax, unknownPerAddressMax } = this.#options.limits
    const own = this.#unknownFrom(socket.remoteAddress ?? '')
    const isFull = this.#unknown.size >= unknownMax
    if (own < unknownPerAddressMax && (!isFull || this.#makeRoom(own))) return
    throw crowded()
  }

  #unknownFrom(address: string): number {
    let count = 0
    for (const other of this.#unknown.values()) if (other === address) count += 1
    return count
  }

  /**
   * A house full of silent strangers stays open to others: the address with the most of them gives
   * up its oldest. False when the newcomer's has as many.
   */
  #makeRoom(own: number): boolean {
    const crowds = new Map<string, number>()
    for (const address of this.#unknown.values()) {
      crowds.set(address, (crowds.get(address) ?? 0) + 1)
    }
    const most = Math.max(...crowds.values())
    if (most <= own + 1) return false
    for (const [oldest, address] of this.#unknown) {
      if (crowds.get(address) !== most) continue
      this.#unknown.delete(oldest)
      oldest.close(crowded())
      return true
    }
    return false
  }

  #forget(connection: Connection, protocol: Protocol): void {
    if (this.#connections.delete(connection)) this.#options.metrics.connections.dec({ protocol })
  }

  /** An answer in HTTP, for whoever can read it: browsers only see that it failed. */
  #refuse(stream: Socket, error: WeftError): void {
    this.#options.metrics.connectionsRefused.inc({ code: error.code })
    this.#options.log.info({ code: error.code, reason: error.message }, 'upgrade refused')
    const { message: detail, ...wire } = error.toWire()
    const body = JSON.stringify({
      type: `urn:weft:error:${error.code}`,
      title: error.code,
      status: error.status,
      detail,
      ...wire,
    })
    // A client that keeps its half open would keep the descriptor.
    this.#options.clock.after(REFUSED_OPEN_MS, () => stream.destroy())
    const retry = error.retryable ? 'Retry-After: 2\r\n' : ''
    stream.end(
      `HTTP/1.1 ${error.status} ${error.code}\r\nConnection: close\r\n${retry}` +
        `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  }

  #ping(): void {
    for (const [connection, socket] of this.#connections) {
      socket.ping()
      connection.keepAlive()
    }
  }

  /** Everybody is told another time: they must not all come back in the same moment. */
  #farewell(): WeftError {
    const retryAfterMs = Math.round(RETURN_MS.min + this.#options.random.next() * RETURN_MS.spread)
    return new WeftError('SHUTTING_DOWN', 'the server restarts', { retryAfterMs })
  }

  /** From now on nobody comes in. */
  refuseNew(): StopReport {
    this.#stopping = true
    return []
  }

  /** Sends everybody off with SHUTTING_DOWN, and waits until they are gone or time is over. */
  async stop(signal: AbortSignal): Promise<StopReport> {
    this.refuseNew()
    this.#cancelPings()
    for (const connection of this.#connections.keys()) connection.close(this.#farewell())
    while (this.#connections.size > 0 && !signal.aborted) {
      await new Promise(resolve => this.#options.clock.after(CLOSE_WAIT_MS, () => resolve(null)))
    }
    for (const client of this.#server.clients) client.terminate()
    this.#server.close()
    return []
  }
}

/** `?schema=2` or `?schema=1-2`: what stock clients understand of the application's schema. */
function readSchema(given: string | null): SchemaRange | undefined {
  if (given === null) return undefined
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(given)
  if (match === null) {
    throw new WeftError('REQUEST_INVALID', 'schema is a version, or two with a hyphen between them')
  }
  const [, first, last = first] = match
  return { min: Number(first), max: Number(last) }
}

function subprotocolToken({ headers }: IncomingMessage): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(part => part.trim())
  return offered.find(part => part !== '' && part !== SUBPROTOCOL) ?? ''
}

function first(offered: ReadonlySet<string>): string | false {
  const [one] = offered
  return one ?? false
}

function crowded(): WeftError {
  const sentence = 'too many sockets have shown no token yet'
  return new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 })
}
