/** The tabs of one origin, server and user: who is there, who leads, and what they tell each other. */
import { Observable, type Readable } from '../observable.ts'
import { holdLock, type ChannelLike, type TabsEnvironment } from './environment.ts'
import { parseTabEnvelope, type TabMessage } from './tab-message.ts'

export type TabListener = {
  readonly onMessage?: (message: TabMessage, from: string) => void
  /** A tab was closed, or crashed. */
  readonly onGone?: (tab: string) => void
}

export type TabGroup = {
  /** What this tab is called among them. */
  readonly id: string
  readonly isLeader: Readable<boolean>
  readonly hasPeers: () => boolean
  /** Will its end be noticed? */
  readonly knows: (tab: string) => boolean
  post(message: TabMessage): void
  listen(listener: TabListener): () => void
  close(): void
}

/** More tabs than anyone has; beyond, deaths of tabs go unnoticed until the next start. */
const PEERS_MAX = 100

/** Where tabs cannot find each other: one that leads itself. */
export function loneTab(): TabGroup {
  return {
    id: '',
    isLeader: new Observable(true),
    hasPeers: () => false,
    knows: () => false,
    post() {},
    listen: () => () => {},
    close() {},
  }
}

export function joinTabs(scope: string, tab: string, environment: TabsEnvironment): TabGroup {
  return new BrowserTabGroup(scope, tab, environment)
}

class BrowserTabGroup implements TabGroup {
  readonly #scope: string
  readonly #tab: string
  readonly #environment: TabsEnvironment
  readonly #channel: ChannelLike
  readonly #end = new AbortController()
  readonly #isLeader = new Observable(false)
  readonly #listeners = new Set<TabListener>()
  readonly #peers = new Map<string, AbortController>()
  #isPresent = false

  constructor(...[scope, tab, environment]: [string, string, TabsEnvironment]) {
    this.#scope = scope
    this.#tab = tab
    this.#environment = environment
    this.#channel = environment.openChannel(scope)
    this.#channel.onmessage = ({ data }) => this.#onMessage(data)
    const { signal } = this.#end
    const { locks } = environment
    // Held as long as this tab lives: whoever waits for it learns of the end, even of a crash.
    const onHeld = () => {
      this.#isPresent = true
      this.post({ type: 'hello' })
    }
    void holdLock(locks, this.#lockOf(tab), { signal, onHeld })
    void holdLock(locks, `${scope} leader`, { signal, onHeld: () => this.#isLeader.set(true) })
  }

  get id(): string {
    return this.#tab
  }

  get isLeader(): Readable<boolean> {
    return this.#isLeader
  }

  readonly hasPeers = (): boolean => this.#peers.size > 0

  readonly knows = (tab: string): boolean => this.#peers.has(tab)

  post(message: TabMessage): void {
    if (!this.#end.signal.aborted) this.#channel.postMessage({ from: this.#tab, message })
  }

  listen(listener: TabListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    if (this.#end.signal.aborted) return
    this.post({ type: 'bye' })
    this.#end.abort()
    this.#listeners.clear()
    for (const waiting of this.#peers.values()) waiting.abort()
    this.#channel.close()
    this.#isLeader.set(false)
  }

  #onMessage(data: unknown): void {
    const envelope = parseTabEnvelope(data)
    if (envelope === undefined || this.#end.signal.aborted) return
    const { from, message } = envelope
    if (message.type === 'bye') return this.#forget(from)
    if (message.type === 'hello') this.#meet(from)
    for (const { onMessage } of Array.from(this.#listeners)) onMessage?.(message, from)
  }

  /** A tab says hello when it holds its lock: asked for earlier, we would get it, and take it for dead. */
  #meet(peer: string): void {
    if (this.#peers.has(peer) || this.#peers.size >= PEERS_MAX) return
    if (this.#isPresent) this.post({ type: 'hello' })
    const waiting = new AbortController()
    this.#peers.set(peer, waiting)
    const onHeld = () => {
      waiting.abort()
      this.#forget(peer)
    }
    void holdLock(this.#environment.locks, this.#lockOf(peer), { signal: waiting.signal, onHeld })
  }

  #forget(peer: string): void {
    const waiting = this.#peers.get(peer)
    if (waiting === undefined) return
    this.#peers.delete(peer)
    waiting.abort()
    for (const { onGone } of Array.from(this.#listeners)) onGone?.(peer)
  }

  #lockOf(tab: string): string {
    return `${this.#scope} tab ${tab}`
  }
}
