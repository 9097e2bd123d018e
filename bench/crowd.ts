/** People whose cursors move on one document, while two of them type. */
import { WebSocket, type RawData } from 'ws'
import * as decoding from 'lib0/decoding'
import { readAwarenessUpdate, encodeAwarenessUpdate } from '../server/presence/awareness-update.ts'
import {
  awarenessFrame,
  messageType,
  readFrame,
  pongFrame,
  syncFrame,
  syncStep,
  tokenFrame,
} from '../shared/frames.ts'

const NAME = 'bench/crowd'

/** One for all movers of a run. */
export class Moves {
  readonly seenMs: number[] = []
  statesSeen = 0
  framesSeen = 0
  bytesSeen = 0
  isMeasuring = false
}

export type MoverOptions = {
  readonly token: string
  readonly id: number
  readonly moves: Moves
  /** Looks into what it is told; looking into everything would measure the load's own process. */
  readonly looks: boolean
}

/** One person: a cursor that moves; what others do is counted. */
export class Mover {
  readonly #socket: WebSocket
  readonly #options: MoverOptions
  #clock = 0
  readonly whenThere: Promise<void>

  constructor(url: string, options: MoverOptions) {
    this.#options = options
    this.#socket = new WebSocket(url, { perMessageDeflate: false })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenThere = promise
    this.#socket.on('open', () => {
      this.#socket.send(tokenFrame(NAME, { token: options.token, version: '4.7.0', hello: '' }))
      this.#socket.send(syncFrame(NAME, syncStep.step1, Uint8Array.of(0)))
    })
    this.#socket.on('message', (data: RawData) => this.#onFrame(data as Buffer, resolve))
  }

  move(): void {
    this.#clock += 1
    const { id } = this.#options
    const at = { type: null, tname: 'body', item: { client: id, clock: this.#clock }, assoc: 0 }
    const user = { name: `user ${id}`, color: '#1d4ed8' }
    const state = JSON.stringify({ user, cursor: { anchor: at, head: at }, at: performance.now() })
    const update = encodeAwarenessUpdate([{ clientId: id, clock: this.#clock, state }])
    this.#socket.send(awarenessFrame(NAME, update))
  }

  close(): void {
    this.#socket.terminate()
  }

  #onFrame(data: Buffer, onThere: () => void): void {
    if (data.byteLength === 1) return this.#socket.send(pongFrame)
    const { type, decoder } = readFrame(data)
    if (type === messageType.sync || type === messageType.syncReply) return onThere()
    const { moves, looks, id } = this.#options
    if (type !== messageType.awareness || !moves.isMeasuring) return
    moves.framesSeen += 1
    moves.bytesSeen += data.byteLength
    if (!looks) return
    for (const { clientId, state } of readAwarenessUpdate(decoding.readVarUint8Array(decoder))) {
      if (clientId === id || state === 'null') continue
      const { at } = JSON.parse(state) as { readonly at?: number }
      moves.statesSeen += 1
      if (at !== undefined) moves.seenMs.push(performance.now() - at)
    }
  }
}

/** Each moves this often a second, one after the other; returns what stops them. */
export function moveSteadily(movers: readonly Mover[], rate: number): () => void {
  const startedAt = performance.now()
  let moved = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * rate * movers.length
    // Behind by more than a second of moves: the load itself does not keep up, and skips them.
    moved = Math.max(moved, Math.floor(due - rate * movers.length))
    for (; moved < due; moved++) movers[moved % movers.length]?.move()
  }, 5)
  return () => clearInterval(timer)
}
