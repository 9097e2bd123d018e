/** Small messages that nobody keeps: signals of weft beside `broadcastStateless` of the peer. */
import * as decoding from 'lib0/decoding'
import { WebSocket, type RawData } from 'ws'
import {
  messageType,
  pongFrame,
  readFrame,
  statelessFrame,
  syncFrame,
  syncStep,
  tokenFrame,
} from '../shared/frames.ts'
import { quantile, type Figures } from './scenario.ts'
import { cpuMs, type Subject } from './subject.ts'
import { pause } from './typists.ts'

export type SignalLoad = {
  readonly documents: number
  readonly clientsEach: number
  /** Signals a second of one client. */
  readonly rate: number
  readonly seconds: number
}

/** One for all clients of a run. */
class Heard {
  readonly deliveryMs: number[] = []
  sent = 0
  refused = 0
  isMeasuring = false
}

type SignalerOptions = {
  readonly name: string
  readonly subject: Subject
  readonly id: number
  readonly heard: Heard
}

const TEXT = 'a message of some fifty characters, as people write'

class Signaler {
  readonly #socket: WebSocket
  readonly #options: SignalerOptions
  #ref = 0
  readonly whenThere: Promise<void>

  constructor(options: SignalerOptions) {
    const { name, subject } = options
    this.#options = options
    this.#socket = new WebSocket(subject.syncUrl, { perMessageDeflate: false })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenThere = promise
    this.#socket.on('open', () => {
      this.#socket.send(tokenFrame(name, { token: subject.token, version: '4.7.0', hello: '' }))
      this.#socket.send(syncFrame(name, syncStep.step1, Uint8Array.of(0)))
    })
    this.#socket.on('message', (data: RawData) => this.#onFrame(data as Buffer, resolve))
  }

  signal(): void {
    const { name, subject, id, heard } = this.#options
    const data = { by: id, at: performance.now(), text: TEXT }
    this.#ref += 1
    const request = { type: 'weft.send', ref: this.#ref, signal: { type: 'chat', to: {}, data } }
    this.#socket.send(
      subject.name === 'weft'
        ? statelessFrame(name, JSON.stringify(request))
        : statelessFrame(name, JSON.stringify({ signal: { data } })),
    )
    if (heard.isMeasuring) heard.sent += 1
  }

  close(): void {
    this.#socket.terminate()
  }

  #onFrame(frame: Buffer, there: () => void): void {
    if (frame.byteLength === 1) return this.#socket.send(pongFrame)
    const { type, decoder } = readFrame(frame)
    if (type === messageType.sync) return there()
    const { id, heard } = this.#options
    if (type !== messageType.stateless || !heard.isMeasuring) return
    const payload = decoding.readVarString(decoder)
    if (payload.includes('"error"')) heard.refused += 1
    const { signal } = JSON.parse(payload) as { signal?: { data: { by: number; at: number } } }
    // The peer tells the sender too.
    if (signal === undefined || signal.data.by === id) return
    heard.deliveryMs.push(performance.now() - signal.data.at)
  }
}

export async function signals(subject: Subject, load: SignalLoad): Promise<Figures> {
  const heard = new Heard()
  const clients = Array.from({ length: load.documents * load.clientsEach }, (_, id) => {
    const name = `signals/${Math.floor(id / load.clientsEach)}`
    return new Signaler({ name, subject, id, heard })
  })
  await Promise.all(clients.map(({ whenThere }) => whenThere))
  const intervalMs = 1_000 / load.rate
  const timers: NodeJS.Timeout[] = []
  for (const [i, client] of clients.entries()) {
    const begin = () => void timers.push(setInterval(() => client.signal(), intervalMs))
    timers.push(setTimeout(begin, (intervalMs * i) / clients.length))
  }
  await pause(5_000)
  heard.isMeasuring = true
  const cpuBefore = cpuMs(subject.pid)
  const startedAt = performance.now()
  await pause(load.seconds * 1_000)
  const cpu = cpuMs(subject.pid) - cpuBefore
  const elapsedMs = performance.now() - startedAt
  heard.isMeasuring = false
  for (const timer of timers) clearInterval(timer)
  for (const client of clients) client.close()
  return {
    'signals sent/s': heard.sent / (elapsedMs / 1_000),
    'signals delivered/s': heard.deliveryMs.length / (elapsedMs / 1_000),
    'signals refused': heard.refused,
    'CPU per signal sent, µs': (cpu * 1_000) / heard.sent,
    'CPU of one core, %': (cpu / elapsedMs) * 100,
    'delivery p50, ms': quantile(heard.deliveryMs, 0.5),
    'delivery p95, ms': quantile(heard.deliveryMs, 0.95),
    'delivery p99, ms': quantile(heard.deliveryMs, 0.99),
  }
}
