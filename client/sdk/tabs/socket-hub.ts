/** The leader's end of a shared socket: one real WebSocket, and whoever sends and hears through it. */
import * as decoding from 'lib0/decoding'
import { every, type Cancel, type Clock } from '../../../shared/clock.ts'
import {
  authType,
  closeFrame,
  messageType,
  nameOfAddress,
  pingFrame,
  pongFrame,
  readFrame,
  readdress,
  type Frame,
} from '../../../shared/frames.ts'
import type { SocketConstructor, SocketLike } from '../socket.ts'
import type { LinkEnd, LinkListener, SocketLink } from './socket-link.ts'

export type SocketHubOptions = {
  /** The address of the real socket, asked for each time that it is opened. */
  readonly address: () => string
  readonly socket: SocketConstructor
  readonly clock: Clock
}

type Member = {
  /** Never used twice. */
  readonly id: string
  readonly listener: LinkListener
  /** As the server knows them. */
  readonly addresses: Set<string>
}

type Real =
  | { readonly kind: 'none' }
  | { readonly kind: 'connecting'; readonly socket: SocketLike; readonly since: number }
  | { readonly kind: 'open'; readonly socket: SocketLike }

const SEPARATOR = '\0'
const CHECK_INTERVAL_MS = 1_000
/** As long as a client's own connection waits. */
const CONNECT_TIMEOUT_MS = 10_000
const PROBE_MS = 1_250
const PROBES_MAX = 2
/** Beyond, names are not bare: one socket has seen that many documents. */
const OWNERS_MAX = 1_000

export class SocketHub {
  readonly #options: SocketHubOptions
  readonly #members = new Map<string, Member>()
  /**
   * Whose frames have the bare name as their address: the first that used it on this socket, and
   * nobody after, so that no answer goes to another one. All others have their id behind it.
   * Most people have one tab, and the server packs what it sends once for all bare names.
   */
  readonly #owners = new Map<string, string>()
  #real: Real = { kind: 'none' }
  /** The server owes a sign of life; asked twice, as what it said may wait behind a busy page. */
  #asked: { readonly at: number; readonly times: number } | undefined
  #cancelChecks: Cancel = () => {}

  constructor(options: SocketHubOptions) {
    this.#options = options
  }

  /** Opens the real socket when it is the first; `onOpen` may be called before this returns. */
  join(id: string, listener: LinkListener): SocketLink {
    const member: Member = { id, listener, addresses: new Set() }
    this.#members.set(id, member)
    if (this.#real.kind === 'none') this.#connect()
    else if (this.#real.kind === 'open') {
      listener.onOpen()
      // It may have come because the last one heard nothing.
      this.#probe()
    }
    return {
      send: frame => this.#fromMember(member, frame),
      close: () => this.#remove(member),
    }
  }

  /** Looks at what timers of a hidden page would notice late. */
  check(): void {
    const now = this.#options.clock.monotonic()
    const real = this.#real
    if (real.kind === 'connecting' && now >= real.since + CONNECT_TIMEOUT_MS) this.end('lost')
    const asked = this.#asked
    if (asked === undefined || now < asked.at + PROBE_MS) return
    if (asked.times >= PROBES_MAX) this.end('lost')
    else this.#probe(asked.times + 1)
  }

  /** Gives up the real socket; all members are told why. */
  end(end: LinkEnd): void {
    const members = Array.from(this.#members.values())
    this.#members.clear()
    this.#drop()
    for (const { listener } of members) listener.onClosed(end)
  }

  #connect(): void {
    const { address, socket: Socket, clock } = this.#options
    const socket = new Socket(address())
    this.#real = { kind: 'connecting', socket, since: clock.monotonic() }
    this.#cancelChecks = every(clock, CHECK_INTERVAL_MS, () => this.check())
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      this.#real = { kind: 'open', socket }
      for (const { listener } of Array.from(this.#members.values())) listener.onOpen()
    }
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#fromServer(data)
    socket.onclose = (event: { readonly code?: number } | undefined) => {
      // A refusal of the socket is for something that one of the tabs did: with sockets of their
      // own that one hurts nobody but itself.
      const isOfOne = this.#members.size > 1 && isRefusal(event?.code)
      this.end(isOfOne ? 'own' : 'lost')
    }
    // `close` follows every error, and says as much.
    socket.onerror = () => {}
  }

  #drop(): void {
    const real = this.#real
    this.#real = { kind: 'none' }
    this.#asked = undefined
    this.#owners.clear()
    this.#cancelChecks()
    if (real.kind === 'none') return
    const { socket } = real
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  #probe(times = 1): void {
    if (this.#real.kind !== 'open') return
    if (times > 1 || this.#asked === undefined) {
      this.#asked = { at: this.#options.clock.monotonic(), times }
    }
    this.#real.socket.send(pingFrame)
  }

  // --- what tabs send --------------------------------------------------------------------------

  #fromMember(member: Member, bytes: Uint8Array): void {
    if (this.#members.get(member.id) !== member || this.#real.kind !== 'open') return
    if (bytes.byteLength === 1) {
      // Pings of the server are answered here, once for all.
      if (bytes[0] === messageType.ping) this.#probe()
      return
    }
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch {
      return this.#evict(member)
    }
    const address = this.#addressOf(member, frame.address)
    if (frame.type === messageType.auth) member.addresses.add(address)
    else if (frame.type === messageType.close) member.addresses.delete(address)
    const isBare = address === frame.address
    this.#real.socket.send(isBare ? bytes : readdress(frame, address))
  }

  #addressOf({ id }: Member, name: string): string {
    if (!this.#owners.has(name) && this.#owners.size < OWNERS_MAX) this.#owners.set(name, id)
    return this.#owners.get(name) === id ? name : name + SEPARATOR + id
  }

  #remove(member: Member): void {
    if (this.#members.get(member.id) !== member) return
    this.#members.delete(member.id)
    if (this.#members.size === 0) return this.#drop()
    if (this.#real.kind !== 'open') return
    for (const address of member.addresses) this.#real.socket.send(closeFrame(address, 'closed'))
  }

  #evict(member: Member): void {
    this.#remove(member)
    member.listener.onClosed('own')
  }

  // --- what the server sends -------------------------------------------------------------------

  #fromServer(data: unknown): void {
    this.#asked = undefined
    if (!(data instanceof ArrayBuffer)) return
    const bytes = new Uint8Array(data)
    if (bytes.byteLength === 1) return this.#onKeepAlive(bytes)
    let frame: Frame
    try {
      frame = readFrame(bytes)
    } catch {
      // Bytes that nobody can read: what else was lost cannot be known, so all begin anew.
      return this.end('lost')
    }
    const name = nameOfAddress(frame.address)
    const id =
      name === frame.address
        ? this.#owners.get(name)
        : frame.address.slice(name.length + SEPARATOR.length)
    const member = this.#members.get(id ?? '')
    if (member === undefined) return
    if (this.#members.size > 1 && isWithoutRoom(frame)) return this.#evict(member)
    member.listener.onFrame(name === frame.address ? bytes : readdress(frame, name))
  }

  /** Everybody hears it, so that nobody takes the server for gone. */
  #onKeepAlive(bytes: Uint8Array): void {
    if (bytes[0] === messageType.ping && this.#real.kind === 'open') {
      this.#real.socket.send(pongFrame)
    }
    for (const { listener } of Array.from(this.#members.values())) listener.onFrame(bytes)
  }
}

/** Close codes that say: not like this, and not again. */
function isRefusal(code: number | undefined): boolean {
  return code !== undefined && code >= 4400 && code < 4500
}

/** All tabs together have as many documents open as the server allows on a socket. */
function isWithoutRoom({ type, decoder }: Frame): boolean {
  if (type !== messageType.auth) return false
  try {
    const payload = decoding.clone(decoder)
    if (decoding.readVarUint(payload) !== authType.permissionDenied) return false
    return decoding.readVarString(payload) === 'TOO_MANY_DOCUMENTS'
  } catch {
    return false
  }
}
