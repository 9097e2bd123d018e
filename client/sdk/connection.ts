/** The one socket of a client: connects, comes back, notices silence, leads frames to documents. */
import { backoffMs, reconnectBackoff } from '../../shared/backoff.ts'
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import { messageType, pingFrame, pongFrame, readFrame, type Frame } from '../../shared/frames.ts'
import type { Random } from '../../shared/random.ts'
import { nextConnection, type ConnectionEvent, type ConnectionState } from './connection-state.ts'
import { Observable, type Readable } from './observable.ts'
import { MOVED_CODE, withSpace, type SocketConstructor, type SocketLike } from './socket.ts'
import type { WakeSource } from './wake.ts'

export type ConnectionOptions = {
  readonly url: string
  readonly socket: SocketConstructor
  readonly clock: Clock
  readonly random: Random
  readonly wake: WakeSource
  /** Called before each try, so that the next token is a fresh one. */
  readonly onConnecting: () => void
}

/** A document, as its connection sees it. */
export type ConnectionUser = {
  /** The address of its frames. */
  readonly address: string
  onConnecting(): void
  onOpen(): void
  onFrame(frame: Frame): void
  onDisconnected(): void
}

/** A connection that is not open by then is given up. */
const CONNECT_TIMEOUT_MS = 10_000
/** Silence for so many of the server's ping intervals means that nobody is there. */
const SILENT_INTERVALS = 3
const PING_INTERVAL_MS = 5_000
/** How often it is looked whether the server is silent: how late it can be found out. */
const SILENCE_CHECK_MS = 2_000
/** After a doubt the server has this long to say anything. */
const PROBE_MS = 2_500
/** The socket's tab is gone: the next one is looked for almost at once, but not again and again. */
const moveBackoff = { minMs: 20, maxMs: 200 }
const MOVE_ATTEMPTS_MAX = 3

export class Connection {
  readonly #options: ConnectionOptions
  readonly #state = new Observable<ConnectionState>({ kind: 'idle' })
  readonly #users = new Map<string, ConnectionUser>()
  readonly #stopWatching: () => void
  readonly #cancelSilenceCheck: Cancel
  #socket: SocketLike | undefined
  #cancelTimer: Cancel = () => {}
  #heardAt = 0
  #pingIntervalMs = PING_INTERVAL_MS
  /** The server said how long to stay away. */
  #retryAfterMs = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#stopWatching = options.wake.watch({
      onWake: () => this.#onWake(),
      onDoubt: () => this.#probe(),
    })
    this.#cancelSilenceCheck = every(options.clock, SILENCE_CHECK_MS, () => this.#checkSilence())
  }

  get state(): Readable<ConnectionState> {
    return this.#state
  }

  get isOpen(): boolean {
    return this.#state.get().kind === 'open'
  }

  get userCount(): number {
    return this.#users.size
  }

  /** Throws when a document of this address is there already: a bug of ours. */
  add(user: ConnectionUser): void {
    if (this.#users.has(user.address)) throw new Error(`${user.address} is connected already`)
    this.#users.set(user.address, user)
    this.#step({ type: 'wanted' })
    if (this.isOpen) user.onOpen()
    else if (this.#state.get().kind === 'connecting') user.onConnecting()
  }

  remove(user: ConnectionUser): void {
    if (this.#users.get(user.address) !== user) return
    this.#users.delete(user.address)
    if (this.#users.size === 0) this.#step({ type: 'unwanted' })
  }

  /** True when the frame is on its way. */
  send(frame: Uint8Array): boolean {
    if (!this.isOpen) return false
    this.#socket?.send(frame)
    return true
  }

  /** The server's own words about how often it speaks. */
  expectPings(intervalMs: number): void {
    this.#pingIntervalMs = intervalMs
  }

  /** The server asked to be left alone for a while; counts for the next try. */
  stayAway(retryAfterMs: number): void {
    this.#retryAfterMs = Math.max(this.#retryAfterMs, retryAfterMs)
  }

  /** Cuts the network, until {@link resume}. */
  pause(): void {
    this.#step({ type: 'paused' })
  }

  resume(): void {
    this.#step({ type: 'resumed', wanted: this.#users.size > 0 })
  }

  close(): void {
    this.#stopWatching()
    this.#cancelSilenceCheck()
    this.#users.clear()
    this.#step({ type: 'unwanted' })
    this.#cancelTimer()
    this.#drop()
  }

  #step(event: ConnectionEvent): void {
    const before = this.#state.get()
    const after = nextConnection(before, event)
    if (after === before) return
    this.#cancelTimer()
    if (after.kind !== 'open' && after.kind !== 'connecting') this.#drop()
    this.#state.set(after)
    const wasConnected = before.kind === 'open' || before.kind === 'connecting'
    if (after.kind === 'connecting') this.#connect()
    else if (after.kind === 'open') this.#eachUser(user => user.onOpen())
    else if (wasConnected) this.#eachUser(user => user.onDisconnected())
    if (after.kind === 'waiting') this.#wait(after.retryAt)
  }

  #eachUser(action: (user: ConnectionUser) => void): void {
    for (const user of Array.from(this.#users.values())) action(user)
  }

  #wait(retryAt: number): void {
    const { clock } = this.#options
    const remainingMs = Math.max(0, retryAt - clock.monotonic())
    this.#cancelTimer = clock.after(remainingMs, () => this.#step({ type: 'due' }))
  }

  #connect(): void {
    const { url, socket: Socket, clock, onConnecting } = this.#options
    onConnecting()
    this.#eachUser(user => user.onConnecting())
    this.#cancelTimer = clock.after(CONNECT_TIMEOUT_MS, () => this.#lose())
    const [first] = this.#users.keys()
    const socket = new Socket(first === undefined ? url : withSpace(url, first))
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      this.#heardAt = clock.monotonic()
      this.#step({ type: 'opened' })
    }
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#onMessage(data)
    socket.onclose = (event: { readonly code?: number } | undefined) => {
      if (this.#socket === socket) this.#lose(event?.code)
    }
    // `close` follows every error, and says as much.
    socket.onerror = () => {}
  }

  #onMessage(data: unknown): void {
    this.#heardAt = this.#options.clock.monotonic()
    if (!(data instanceof ArrayBuffer)) return
    const bytes = new Uint8Array(data)
    if (bytes.byteLength === 1) {
      if (bytes[0] === messageType.ping) this.send(pongFrame)
      return
    }
    try {
      const frame = readFrame(bytes)
      this.#users.get(frame.address)?.onFrame(frame)
    } catch {
      // Bytes that nobody can read: what else was lost cannot be known, so begin anew.
      this.#lose()
    }
  }

  #lose(code?: number): void {
    const { clock, random } = this.#options
    const state = this.#state.get()
    const attempt = state.kind === 'connecting' ? state.attempt : 1
    const isMove = code === MOVED_CODE && attempt <= MOVE_ATTEMPTS_MAX
    const backoff = isMove ? moveBackoff : reconnectBackoff
    const waitMs = Math.max(backoffMs(attempt, random, backoff), this.#retryAfterMs)
    this.#retryAfterMs = 0
    this.#step({ type: 'lost', retryAt: clock.monotonic() + waitMs })
  }

  /** Forgets the socket; what it still has to say is not heard. */
  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  #onWake(): void {
    this.#step({ type: 'due' })
    this.#probe()
  }

  /** Asks the server for a sign of life, and gives the socket up when none comes. */
  #probe(): void {
    const { clock } = this.#options
    const socket = this.#socket
    if (!this.send(pingFrame)) return
    const askedAt = clock.monotonic()
    clock.after(PROBE_MS, () => {
      if (this.#socket === socket && this.isOpen && this.#heardAt < askedAt) this.#lose()
    })
  }

  #checkSilence(): void {
    if (!this.isOpen) return
    const silentMs = this.#options.clock.monotonic() - this.#heardAt
    if (silentMs > this.#pingIntervalMs * SILENT_INTERVALS) this.#lose()
  }
}
