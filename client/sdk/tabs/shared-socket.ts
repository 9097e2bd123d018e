/** Stands in for WebSocket where tabs share one: through the leader's socket, or one of its own. */
import type { Clock } from '../../../shared/clock.ts'
import type { Random } from '../../../shared/random.ts'
import { MOVED_CODE, type SocketConstructor, type SocketLike } from '../socket.ts'
import type { TabsEnvironment } from './environment.ts'
import { GuestLink } from './guest-link.ts'
import { HubDoor } from './hub-door.ts'
import { SocketHub } from './socket-hub.ts'
import type { LinkEnd, LinkListener, SocketLink } from './socket-link.ts'
import type { TabGroup } from './tab-group.ts'

export type SharedSocketOptions = {
  readonly url: string
  readonly scope: string
  readonly tabs: TabGroup
  readonly environment: TabsEnvironment
  readonly socket: SocketConstructor
  readonly clock: Clock
  readonly random: Random
}

/** For so long a tab for which there was no room opens sockets of its own. */
const OWN_MS = 10 * 60_000

/** The class to give a connection; as long as this tab leads, the others are served too. */
export function sharedSocket(options: SharedSocketOptions): SocketConstructor {
  const sharing = new Sharing(options)
  return class extends TabSocket {
    constructor(url: string) {
      super(url, sharing)
      sharing.address = url
    }
  }
}

class Sharing {
  readonly options: SharedSocketOptions
  /** Where this tab's own documents would like to be served: a hint, and nothing else. */
  address: string
  #hub: SocketHub | undefined
  #ownUntil = -Infinity

  constructor(options: SharedSocketOptions) {
    this.options = options
    this.address = options.url
    const { isLeader } = options.tabs
    let door: HubDoor | undefined
    const change = () => {
      if (isLeader.get() === (this.#hub !== undefined)) return
      const before = this.#hub
      this.#hub =
        before === undefined
          ? new SocketHub({ ...options, address: () => this.address })
          : undefined
      door?.close()
      door = this.#hub && new HubDoor({ ...options, hub: this.#hub })
      before?.end('moved')
    }
    isLeader.subscribe(change)
    change()
  }

  get needsOwn(): boolean {
    return this.options.clock.monotonic() < this.#ownUntil
  }

  noRoom(): void {
    this.#ownUntil = this.options.clock.monotonic() + OWN_MS
  }

  /** The leader's own way in, or a follower's. */
  link(listener: LinkListener): SocketLink {
    const id = this.options.random.id()
    return this.#hub?.join(id, listener) ?? new GuestLink({ ...this.options, id, listener })
  }

  get leads(): boolean {
    return this.#hub !== undefined
  }
}

type Way =
  /** The handlers are not set yet. */
  | { readonly kind: 'new' }
  | { readonly kind: 'shared'; readonly link: SocketLink | undefined }
  | { readonly kind: 'own'; readonly socket: SocketLike }
  | { readonly kind: 'closed' }

class TabSocket implements SocketLike {
  binaryType = 'arraybuffer'
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  readonly #url: string
  readonly #sharing: Sharing
  #way: Way = { kind: 'new' }

  constructor(url: string, sharing: Sharing) {
    this.#url = url
    this.#sharing = sharing
    queueMicrotask(() => {
      if (this.#way.kind !== 'new') return
      if (sharing.needsOwn) this.#openOwn()
      else this.#share()
    })
  }

  send(frame: Uint8Array): void {
    if (this.#way.kind === 'own') this.#way.socket.send(frame)
    else if (this.#way.kind === 'shared') this.#way.link?.send(frame)
  }

  close(): void {
    const way = this.#way
    this.#way = { kind: 'closed' }
    if (way.kind === 'shared') way.link?.close()
    if (way.kind !== 'own') return
    way.socket.onopen = null
    way.socket.onmessage = null
    way.socket.onclose = null
    way.socket.close()
  }

  #share(): void {
    // A link of the leader's own may open before it is in our hands.
    this.#way = { kind: 'shared', link: undefined }
    const link = this.#sharing.link({
      onOpen: () => queueMicrotask(() => this.#opened()),
      onFrame: frame => this.onmessage?.({ data: bufferOf(frame) } as never),
      onClosed: end => this.#onLinkClosed(end),
    })
    // It may have ended by then as well.
    if (this.#isShared) this.#way = { kind: 'shared', link }
  }

  /** A question, because the answer changes behind the compiler's back. */
  get #isShared(): boolean {
    return this.#way.kind === 'shared'
  }

  #opened(): void {
    if (this.#isShared) this.onopen?.(undefined as never)
  }

  #onLinkClosed(end: LinkEnd): void {
    if (!this.#isShared) return
    if (end === 'unanswered') {
      if (this.#sharing.leads) this.#share()
      else this.#openOwn()
      return
    }
    if (end === 'own') this.#sharing.noRoom()
    this.#way = { kind: 'closed' }
    this.onclose?.({ code: end === 'lost' ? 1006 : MOVED_CODE } as never)
  }

  #openOwn(): void {
    const socket = new this.#sharing.options.socket(this.#url)
    this.#way = { kind: 'own', socket }
    socket.binaryType = this.binaryType
    socket.onopen = (event: never) => this.onopen?.(event)
    socket.onmessage = (event: never) => this.onmessage?.(event)
    socket.onclose = (event: never) => this.onclose?.(event)
    socket.onerror = (event: never) => this.onerror?.(event)
  }
}

function bufferOf(frame: Uint8Array): ArrayBufferLike {
  const isWhole = frame.byteLength === frame.buffer.byteLength
  return isWhole ? frame.buffer : frame.slice().buffer
}
