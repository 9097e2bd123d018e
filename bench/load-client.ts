/** A light client: speaks the protocol, and knows when what it sent arrived where. */
import { WebSocket, type RawData } from 'ws'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import {
  messageType,
  pongFrame,
  readFrame,
  syncFrame,
  syncStep,
  tokenFrame,
} from '../shared/frames.ts'

/** Where and when: one for all clients of a run. */
export class Clockwork {
  readonly sent = new Map<string, { readonly at: number; readonly place: number }>()
  readonly deliveryMs: number[] = []
  /** From one node to another. */
  readonly crossingMs: number[] = []
  readonly acknowledgeMs: number[] = []
  deliveries = 0
  /** Nothing counts before the warm-up is over. */
  isMeasuring = false

  arrived(token: string, place: number): void {
    if (!this.isMeasuring) return
    const sent = this.sent.get(token)
    if (sent === undefined) return
    const tookMs = performance.now() - sent.at
    this.deliveries += 1
    this.deliveryMs.push(tookMs)
    if (sent.place !== place) this.crossingMs.push(tookMs)
  }
}

const TOKEN_LENGTH = 12
const MARK = '@'

export type LoadClientOptions = {
  readonly token: string
  readonly clockwork: Clockwork
  readonly id: number
  /** Which node it is on. */
  readonly place?: number
  /** Applies what arrives, so that the next keystroke leans on it. */
  readonly follows?: boolean
}

export class LoadClient {
  readonly #socket: WebSocket
  readonly #name: string
  readonly #doc = new Y.Doc()
  readonly #clockwork: Clockwork
  readonly #unanswered: number[] = []
  readonly #id: string
  readonly #place: number
  readonly #follows: boolean
  #count = 0
  #wasAsked = false
  /** Others' keystrokes: what a server repeats was delivered once. */
  readonly #seen = new Set<string>()
  #synced: () => void = () => {}
  readonly whenSynced: Promise<void>

  constructor(url: string, name: string, options: LoadClientOptions) {
    this.#name = name
    this.#clockwork = options.clockwork
    this.#id = String(options.id).padStart(4, '0')
    this.#place = options.place ?? 0
    this.#follows = options.follows ?? false
    this.whenSynced = new Promise(resolve => (this.#synced = resolve))
    this.#socket = new WebSocket(url, { perMessageDeflate: false })
    this.#socket.on('open', () => {
      this.#socket.send(tokenFrame(name, { token: options.token, version: '4.7.0', hello: '' }))
      this.#socket.send(syncFrame(name, syncStep.step1, Y.encodeStateVector(this.#doc)))
    })
    this.#socket.on('message', (data: RawData) => this.#onFrame(data as Buffer))
    this.#doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#send(update)
    })
  }

  /** Types one keystroke; a token in it tells when it arrives. */
  type(): void {
    const token = `${MARK}${this.#id}${String(this.#count++).padStart(TOKEN_LENGTH - 5, '0')}`
    this.#clockwork.sent.set(token, { at: performance.now(), place: this.#place })
    this.#doc.getText('text').insert(0, token)
  }

  /** Makes the document large. */
  paste(text: string): void {
    this.#doc.getText('text').insert(0, text)
  }

  get isAcknowledged(): boolean {
    return this.#unanswered.length === 0
  }

  close(): void {
    this.#socket.terminate()
  }

  #send(update: Uint8Array): void {
    this.#unanswered.push(performance.now())
    this.#socket.send(syncFrame(this.#name, syncStep.update, update))
  }

  #onFrame(data: Buffer): void {
    if (data.byteLength === 1) return this.#socket.send(pongFrame)
    const { type, decoder } = readFrame(data)
    if (type === messageType.syncStatus) return this.#onAnswer()
    if (type !== messageType.sync && type !== messageType.syncReply) return
    const step = decoding.readVarUint(decoder)
    if (step === syncStep.update) return this.#onUpdate(data, decoder)
    const payload = decoding.readVarUint8Array(decoder)
    if (step !== syncStep.step1) return
    // As the stock provider does: one answer is expected to the handshake, none to later questions.
    if (!this.#wasAsked) this.#unanswered.push(Number.NaN)
    this.#wasAsked = true
    const missing = Y.encodeStateAsUpdate(this.#doc, payload)
    this.#socket.send(syncFrame(this.#name, syncStep.step2, missing))
    this.#synced()
  }

  #onUpdate(data: Buffer, decoder: decoding.Decoder): void {
    if (this.#follows) Y.applyUpdate(this.#doc, decoding.readVarUint8Array(decoder), this)
    // Merged updates hold several tokens; one's own come back from some servers.
    for (let at = data.indexOf(MARK); at !== -1; at = data.indexOf(MARK, at + TOKEN_LENGTH)) {
      const token = data.toString('latin1', at, at + TOKEN_LENGTH)
      if (token.startsWith(MARK + this.#id) || this.#seen.has(token)) continue
      this.#seen.add(token)
      this.#clockwork.arrived(token, this.#place)
    }
  }

  #onAnswer(): void {
    const sentAt = this.#unanswered.shift()
    if (sentAt === undefined || Number.isNaN(sentAt) || !this.#clockwork.isMeasuring) return
    this.#clockwork.acknowledgeMs.push(performance.now() - sentAt)
  }
}
