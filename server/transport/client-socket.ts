/** One client's WebSocket: sends whole turns in one write, counts, limits, and closes with a reason. */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { PackedFrame } from './packed-frame.ts'
import type { TurnFlusher } from './turn-flusher.ts'

export type ClientSocketLimits = {
  /** Largest frame a client may send. */
  readonly frameBytesMax: number
  /** Most bytes waiting to be read by a slow client. */
  readonly sendBytesMax: number
}

export type ClientSocketOptions = {
  readonly webSocket: WebSocket
  /** The socket underneath, as the upgrade gave it. */
  readonly stream: Socket
  readonly protocol: 'hocuspocus' | 'y-websocket'
  readonly limits: ClientSocketLimits
  readonly flusher: TurnFlusher
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export type ClientSocketListener = {
  /** The bytes are the listener's own: nothing else refers to them. */
  readonly onFrame: (bytes: Uint8Array) => void
  /** Called once, whoever closed. */
  readonly onClose: () => void
}

/** How long a client has to answer our close before its socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** A close reason has at most 123 bytes (RFC 6455, section 5.5). */
const REASON_BYTES_MAX = 123

export class ClientSocket {
  readonly log: Logger
  readonly #options: ClientSocketOptions
  readonly #webSocket: WebSocket
  readonly #stream: Socket
  #state: 'open' | 'closing' | 'closed' = 'open'
  #outgoing: PackedFrame[] = []
  #missedPings = 0
  #cancelCut: Cancel = () => {}

  constructor(options: ClientSocketOptions) {
    this.#options = options
    this.#webSocket = options.webSocket
    this.#stream = options.stream
    this.log = options.log
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  listen({ onFrame, onClose }: ClientSocketListener): void {
    const { metrics } = this.#options
    const ws = this.#webSocket
    ws.on('message', (data, isBinary) => {
      this.#missedPings = 0
      if (this.#state !== 'open') return
      metrics.tally.framesReceived += 1
      this.#receive(data as Buffer, { isBinary, onFrame })
    })
    ws.on('pong', () => {
      this.#missedPings = 0
    })
    // Bad frames and broken connections; ws closes the socket itself, with the code it should have.
    ws.on('error', error => this.log.info({ err: error }, 'a socket failed'))
    ws.on('close', code => {
      this.#state = 'closed'
      this.#cancelCut()
      this.log.debug({ code }, 'socket closed')
      onClose()
    })
  }

  #receive(
    data: Buffer,
    { isBinary, onFrame }: { isBinary: boolean; onFrame: (bytes: Uint8Array) => void },
  ): void {
    try {
      if (!isBinary) throw new WeftError('FRAME_INVALID', 'a text frame; only binary ones are read')
      if (data.byteLength > this.#options.limits.frameBytesMax) {
        const sentence = `a frame of ${data.byteLength} bytes`
        throw new WeftError(
          'FRAME_TOO_LARGE',
          `${sentence}; the limit is ${this.#options.limits.frameBytesMax}`,
        )
      }
      // A copy: frames may lie in Node's shared pool, and a decoder must never see beyond its own.
      onFrame(Uint8Array.from(data))
    } catch (error) {
      if (error instanceof WeftError) return this.close(error)
      // A bug of ours with one frame of one client must stay with that client.
      this.#options.metrics.unexpected.inc({ where: 'frame' })
      this.log.error({ err: error }, 'a frame was not handled')
      this.close(new WeftError('INTERNAL', 'the frame could not be handled'))
    }
  }

  /** All frames of one turn of the event loop leave in one write. */
  send(frame: PackedFrame): void {
    if (this.#state !== 'open') return
    this.#outgoing.push(frame)
    if (this.#outgoing.length === 1) this.#options.flusher.add(this)
  }

  /**
   * Writes to the stream underneath `ws`. That is safe between two of its own frames: without
   * compression it writes each of them whole, at once.
   */
  flush(): void {
    const frames = this.#outgoing
    const [first] = frames
    this.#outgoing = []
    if (first === undefined || this.#state === 'closed') return
    this.#options.metrics.tally.messagesSent += frames.length
    this.#stream.write(frames.length === 1 ? first : Buffer.concat(frames))
    const { sendBytesMax } = this.#options.limits
    if (this.#stream.writableLength <= sendBytesMax) return
    const sentence = `${this.#stream.writableLength} bytes wait to be read`
    this.close(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
  }

  /** Pings the client; cuts it off when it has not been heard of for two of them. */
  ping(): void {
    if (this.#state !== 'open') return
    if (this.#missedPings >= 2) {
      this.log.info('a silent socket is cut')
      this.#webSocket.terminate()
      return
    }
    this.#missedPings += 1
    this.#webSocket.ping()
  }

  /** Closes with the error's code; its reason is the error's code in words. */
  close(error: WeftError): void {
    if (this.#state !== 'open') return
    const { metrics, clock } = this.#options
    metrics.refusals.inc({ code: error.code })
    metrics.socketsClosed.inc({ code: error.code })
    this.log.info({ code: error.code, reason: error.message }, 'socket refused')
    this.#end(error.closeCode, error.code)
    this.#cancelCut = clock.after(CLOSE_TIMEOUT_MS, () => this.#webSocket.terminate())
  }

  #end(code: number, reason: string): void {
    // What was said before the goodbye goes before it.
    this.#state = 'closing'
    this.flush()
    this.#webSocket.close(code, Buffer.from(reason).subarray(0, REASON_BYTES_MAX))
  }
}
