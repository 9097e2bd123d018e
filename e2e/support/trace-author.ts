/** One author of a trace: a real client that knows of the other exactly what the trace says. */
import * as Y from 'yjs'
import { createClient, type DocumentHandle, type WeftClient } from '../../client/sdk/index.ts'
import type { SocketConstructor } from '../../client/sdk/socket.ts'
import { Holder, heldSocket } from './held-socket.ts'
import type { Patch } from './traces.ts'

export type TraceAuthorOptions = {
  readonly url: string
  readonly token: string
  readonly document: string
  /** Yjs breaks ties by client id; the recorded text has the first author first. */
  readonly clientId: number
  readonly offline: 'memory' | 'indexeddb'
  readonly socket: SocketConstructor
}

/** What a driver asks of an author, in this process or in a browser. */
export type Author = {
  /** Waits until exactly so much of the other author has been seen. */
  see(otherId: number, clock: number): Promise<void>
  /** Types transactions, each an update of its own. Returns the clock after each of them. */
  type(transactions: readonly (readonly Patch[])[]): Promise<readonly number[]>
  goOffline(): Promise<void>
  /** Back online, with everything that the server has. */
  goOnline(): Promise<void>
  /** Waits until the connection is back, and everything has been exchanged. */
  recover(otherId: number, clock: number): Promise<void>
  whenSaved(): Promise<void>
  text(): Promise<string>
}

export class TraceAuthor implements Author {
  readonly #client: WeftClient
  readonly #handle: DocumentHandle
  readonly #frames = new Holder()
  readonly #clientId: number
  #isAscii = true
  #typed = 0

  private constructor({ url, token, document, clientId, offline, socket }: TraceAuthorOptions) {
    const WebSocket = heldSocket(socket, this.#frames)
    this.#client = createClient({ url, token, offline, WebSocket })
    this.#handle = this.#client.open(document)
    this.#handle.doc.clientID = clientId
    this.#clientId = clientId
  }

  static async create(options: TraceAuthorOptions): Promise<TraceAuthor> {
    const author = new TraceAuthor(options)
    await author.#handle.whenSynced()
    author.#frames.hold()
    return author
  }

  get #text(): Y.Text {
    return this.#handle.doc.getText('text')
  }

  async see(otherId: number, clock: number): Promise<void> {
    while (this.#seen(otherId) < clock) {
      if (!this.#frames.releaseOne()) await nextTurn()
    }
  }

  #seen(otherId: number): number {
    return Y.getState(this.#handle.doc.store, otherId)
  }

  async type(transactions: readonly (readonly Patch[])[]): Promise<readonly number[]> {
    const clocks: number[] = []
    for (const patches of transactions) {
      this.#handle.doc.transact(() => {
        for (const patch of patches) this.#apply(patch)
        // A deletion alone does not move the clock, and would not be waited for: this does.
        this.#handle.doc.getMap('typed').set(String(this.#clientId), this.#typed++)
      })
      clocks.push(this.#seen(this.#clientId))
      // The client sends what a turn made as one update: the next transaction is another one.
      await Promise.resolve()
      await Promise.resolve()
    }
    return clocks
  }

  #apply([position, deleted, inserted]: Patch): void {
    const at = this.#index(position)
    if (deleted > 0) this.#text.delete(at, this.#index(position + deleted) - at)
    if (inserted !== '') this.#text.insert(at, inserted)
    if (/[\ud800-\udfff]/.test(inserted)) this.#isAscii = false
  }

  /** Code points to UTF-16 units; the same thing until somebody types an emoji. */
  #index(codePoints: number): number {
    if (this.#isAscii) return codePoints
    return Array.from(this.#text.toString()).slice(0, codePoints).join('').length
  }

  goOffline(): Promise<void> {
    this.#client.disconnect()
    return Promise.resolve()
  }

  async goOnline(): Promise<void> {
    this.#frames.open()
    this.#client.connect()
    await this.#handle.whenSynced()
    await this.#handle.whenSaved()
    this.#frames.hold()
  }

  async recover(otherId: number, clock: number): Promise<void> {
    this.#frames.open()
    await this.#handle.whenSynced()
    await this.#handle.whenSaved()
    while (this.#seen(otherId) < clock) await nextTurn()
    this.#frames.hold()
  }

  async whenSaved(): Promise<void> {
    this.#frames.open()
    await this.#handle.whenSaved()
  }

  text(): Promise<string> {
    return Promise.resolve(this.#text.toString())
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** Lets the network have its turn. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 0))
}
