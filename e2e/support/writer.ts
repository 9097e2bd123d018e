/** A client that writes unique tokens, and remembers which of them it was told are safe. */
import { WebSocket } from 'ws'
import type * as Y from 'yjs'
import { createClient } from '../../client/sdk/index.ts'
import type { SocketConstructor } from '../../client/sdk/socket.ts'
import { integerBetween, type Random } from '../../shared/random.ts'
import { stockProvider, stockYProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'

export type WriterKind = 'stock' | 'sdk' | 'y-websocket'

export type WriterOptions = {
  readonly id: string
  readonly kind: WriterKind
  readonly document: string
  readonly urls: { readonly url: string; readonly syncUrl: string; readonly yUrl: string }
  readonly token: string
  readonly random: Random
}

type Link = {
  readonly doc: () => Y.Doc
  readonly isReady: () => boolean
  /** Everything so far is acknowledged; never, in a protocol without acknowledgements. */
  readonly isAcknowledged: () => boolean
  readonly close: () => void
}

export class Writer {
  readonly id: string
  readonly kind: WriterKind
  readonly document: string
  /** Tokens in the order of their writing. */
  readonly written: string[] = []
  readonly acknowledged = new Set<string>()
  readonly #link: Link
  readonly #random: Random
  #stopped = false

  constructor(options: WriterOptions) {
    this.id = options.id
    this.kind = options.kind
    this.document = options.document
    this.#random = options.random
    this.#link = links[options.kind](options)
  }

  get doc(): Y.Doc {
    return this.#link.doc()
  }

  ready(): Promise<void> {
    return until(() => this.#link.isReady(), `${this.id} is ready`, 20_000)
  }

  settled(): Promise<void> {
    return until(() => this.#link.isAcknowledged(), `${this.id} is acknowledged`, 30_000)
  }

  /** Writes until it is stopped: a token, a wait for the answer or for a moment, the next token. */
  async run(pauseMsMax: number): Promise<void> {
    while (!this.#stopped) {
      this.write()
      // Now and then it waits for the answer however slow the disk is, or none would ever be seen.
      const isPatient = this.#random.next() < 0.25
      const patience = isPatient ? Infinity : integerBetween(this.#random, 1, 40)
      for (let i = 0; i < patience && !this.#stopped && !this.noteAcknowledged(); i++) await tick()
      if (!this.#stopped) await pause(integerBetween(this.#random, 0, pauseMsMax))
      this.noteAcknowledged()
    }
  }

  write(): string {
    const token = `${this.id}:${this.written.length}`
    const { doc } = this
    doc.transact(() => {
      doc.getArray<string>('tokens').push([token])
      this.#editText(doc.getText('text'))
      doc.getMap('map').set(this.id, this.written.length)
    })
    this.written.push(token)
    return token
  }

  #editText(text: Y.Text): void {
    const at = integerBetween(this.#random, 0, text.length)
    const canDelete = text.length > 40 && this.#random.next() < 0.4
    if (canDelete) text.delete(Math.min(at, text.length - 5), 5)
    else text.insert(at, this.#random.id().slice(0, 6))
  }

  /** Asked in the very tick of the answer: nothing was written in between. */
  noteAcknowledged(): boolean {
    if (!this.#link.isAcknowledged()) return false
    for (const token of this.written) this.acknowledged.add(token)
    return true
  }

  stop(): void {
    this.#stopped = true
  }

  close(): void {
    this.stop()
    this.#link.close()
  }
}

const links: Readonly<Record<WriterKind, (options: WriterOptions) => Link>> = {
  stock({ urls, document, token }) {
    const client = stockProvider({ url: urls.syncUrl, name: document, token })
    const { provider, doc } = client
    return {
      doc: () => doc,
      isReady: () => provider.isSynced,
      isAcknowledged: () => provider.isSynced && !provider.hasUnsyncedChanges,
      close: () => client.destroy(),
    }
  },
  sdk({ urls, document, token }) {
    const socket = WebSocket as unknown as SocketConstructor
    const client = createClient({ url: urls.url, token, offline: 'memory', WebSocket: socket })
    const handle = client.open(document)
    return {
      doc: () => handle.doc,
      isReady: () => handle.status.kind === 'live',
      isAcknowledged: () => handle.state.get().loaded && handle.saved,
      close: () => void client.close(),
    }
  },
  'y-websocket'({ urls, document, token }) {
    const client = stockYProvider({ url: urls.yUrl, name: document, token })
    return {
      doc: () => client.doc,
      isReady: () => client.provider.synced,
      isAcknowledged: () => false,
      close: () => client.destroy(),
    }
  },
}

const tick = () => new Promise(resolve => setImmediate(resolve))
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
