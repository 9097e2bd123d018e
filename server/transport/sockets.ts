/** All sockets of this server: where they connect, how many there are, how they end. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Random } from '../../shared/random.ts'
import { ownerOf } from '../../shared/system-names.ts'
import type { Logger } from '../base/log.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Metrics } from '../base/metrics.ts'
import type { ClientAddress } from '../edge/addresses.ts'
import type { Edge } from '../edge/edge.ts'
import { checkOrigin } from '../edge/origins.ts'
import { ClientSocket, type ClientSocketLimits } from './client-socket.ts'
import { Devices } from './devices.ts'
import { DevicesElsewhere, type DevicesElsewhereOptions } from './devices-elsewhere.ts'
import type { DocumentDoor } from './document-door.ts'
import { HocuspocusConnection } from './hocuspocus/hocuspocus-connection.ts'
import { Lobby } from './hocuspocus/lobby.ts'
import { answerRefusal } from './refuse-upgrade.ts'
import { readRoute, SUBPROTOCOL, type SocketRoute } from './socket-route.ts'
import { Strangers, type StrangerLimits } from './strangers.ts'
import { TurnFlusher } from './turn-flusher.ts'
import { YConnection } from './y-websocket/y-connection.ts'

export type SocketsOptions = {
  readonly door: DocumentDoor
  readonly edge: Edge
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly devices: Pick<DevicesElsewhereOptions, 'perUserMax' | 'whenFull' | 'fanout'>
  readonly limits: ClientSocketLimits &
    StrangerLimits & {
      readonly connectionsMax: number
      readonly documentsMax: number
      readonly queueBytesMax: number
      readonly messageBytesMax: number
      readonly authTimeoutMs: number
      readonly pingIntervalMs: number
    }
}

type Connection = HocuspocusConnection | YConnection
type Protocol = SocketRoute['protocol']
type Known = {
  readonly connection: Connection
  readonly principal: Principal
  readonly device: string | undefined
}
/** Who knocked, and for what. */
type Visit = { readonly route: SocketRoute; readonly client: ClientAddress }

const RETURN_MS = { min: 1_000, spread: 4_500 }
const CLOSE_WAIT_MS = 50

export class Sockets {
  readonly #options: SocketsOptions
  readonly #server: WebSocketServer
  readonly #lobby = new Lobby()
  readonly #flusher = new TurnFlusher()
  readonly #connections = new Map<Connection, ClientSocket>()
  readonly #cancelPings: Cancel
  readonly #strangers: Strangers
  readonly #devices: Devices
  readonly #devicesElsewhere: DevicesElsewhere
  #nextId = 1
  #stopping = false

  constructor(options: SocketsOptions) {
    this.#options = options
    this.#strangers = new Strangers(options.limits)
    const counting = { ...options, ...options.devices }
    this.#devices = new Devices(counting)
    this.#devicesElsewhere = new DevicesElsewhere({ ...counting, devices: this.#devices })
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
      const visit = this.#receive(request)
      this.#server.handleUpgrade(request, stream, head, webSocket =>
        this.#accept(visit, webSocket, stream),
      )
    } catch (error) {
      this.#refuse(stream, toWeftError(error))
    }
  }

  /** Throws why not. Nobody is asked who they are before all of this. */
  #receive(request: IncomingMessage): Visit {
    const { limits, edge } = this.#options
    const client = edge.addresses.clientOf(request)
    edge.addresses.check(client)
    if (this.#stopping) throw new WeftError('SHUTTING_DOWN', 'the server is shutting down')
    edge.addressLimits.connect(client)
    if (this.#connections.size >= limits.connectionsMax) {
      throw new WeftError('TOO_MANY_CONNECTIONS', `${limits.connectionsMax} sockets are open`)
    }
    checkOrigin(request.headers, edge.origins)
    const route = readRoute(request)
    // Last: it may send another stranger off, and that only for somebody who comes in.
    this.#strangers.admit(client.network)
    return { route, client }
  }

  #accept({ route, client }: Visit, webSocket: WebSocket, stream: Socket): void {
    const { clock, metrics, limits, door, edge } = this.#options
    const { protocol } = route
    const { address } = client
    const log = this.#options.log.child({ socket: this.#nextId++, protocol, address })
    const flusher = this.#flusher
    const socket = new ClientSocket({
      webSocket,
      stream,
      protocol,
      limits,
      flusher,
      paces: edge.paces,
      clock,
      log,
      metrics,
    })
    metrics.connectionsTotal.inc()
    metrics.connections.inc({ protocol })
    this.#strangers.add(socket, client.network)
    let leaveDevice = () => {}
    const onAuthenticated = (principal: Principal) => {
      const left = this.#welcome(socket, { connection, principal, device: route.device?.id })
      if (left !== undefined) leaveDevice = left
    }
    const onClose = () => {
      leaveDevice()
      this.#strangers.delete(socket)
      this.#forget(connection, protocol)
    }
    const { queueBytesMax } = limits
    const situation = { address: address === '' ? null : address, device: route.device }
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

  /** Throws nothing: a user who opens too many sockets is told on this one, and it ends. */
  #welcome(socket: ClientSocket, { connection, principal, device }: Known): Cancel | undefined {
    if (socket.isKnown) return undefined
    try {
      this.#options.edge.userLimits.connect(principal)
      const user = ownerOf(principal)
      const leave = this.#devices.join(user, device, connection)
      // Not waited for: a bus that is slow must keep nobody out.
      void this.#devicesElsewhere.check(user)
      this.#strangers.delete(socket)
      socket.welcome()
      return leave
    } catch (error) {
      connection.close(toWeftError(error))
      return undefined
    }
  }

  #forget(connection: Connection, protocol: Protocol): void {
    if (this.#connections.delete(connection)) this.#options.metrics.connections.dec({ protocol })
  }

  #refuse(stream: Socket, error: WeftError): void {
    const { metrics, log, clock } = this.#options
    metrics.connectionsRefused.inc({ code: error.code })
    log.info({ code: error.code, reason: error.message }, 'upgrade refused')
    answerRefusal(stream, error, clock)
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
    this.#devicesElsewhere.close()
    for (const connection of this.#connections.keys()) connection.close(this.#farewell())
    while (this.#connections.size > 0 && !signal.aborted) {
      await new Promise(resolve => this.#options.clock.after(CLOSE_WAIT_MS, () => resolve(null)))
    }
    for (const client of this.#server.clients) client.terminate()
    this.#server.close()
    return []
  }
}

function first(offered: ReadonlySet<string>): string | false {
  const [one] = offered
  return one ?? false
}
