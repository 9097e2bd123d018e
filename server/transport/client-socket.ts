/** One client's WebSocket: sends whole turns in one write, counts, limits, and closes with a reason. */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { CountedFrame, Pace, Paces } from '../edge/pace.ts'
import { Backlog } from './backlog.ts'
import type { PackedFrame } from './packed-frame.ts'
import type { TurnFlusher } from './turn-flusher.ts'

export type ClientSocketLimits = {
  /** Largest frame a client may send. */
  readonly frameBytesMax: number
  /** With more waiting to be read, a slow client gets no more single changes. */
  readonly lagBytes: number
  /** With more waiting to be read its socket is closed; one frame may be larger. */
  readonly sendBytesMax: number
  /** With more waiting here, for documents that are opening, a socket is not read on. */
  readonly queueBytesMax: number
}

export type ClientSocketOptions = {
  readonly webSocket: WebSocket
  /** The socket underneath, as the upgrade gave it. */
  readonly stream: Socket
  readonly protocol: 'hocuspocus' | 'y-websocket'
  readonly limits: ClientSocketLimits
  readonly flusher: TurnFlusher
  readonly paces: Paces
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export type ClientSocketListener = {
  /** The bytes are the listener's own: nothing else refers to them. */
  readonly onFrame: (bytes: Uint8Array) => void
  /** Nothing waits to be read any more, after more did than there should. */
  readonly onDrain: () => void
  /** What waits for documents has kept the socket from being read for too long. */
  readonly onStuck: () => void
  /** It has sent too much for too long: it is to be closed. */
  readonly onTooFast: (error: WeftError) => void
  /** Called once, whoever closed. */
  readonly onClose: () => void
}

/** How long a client has to answer our close before its socket is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** More than that in one turn is handed to the stream frame by frame. */
const JOINED_BYTES_MAX = 64 << 10
/**
 * Read of somebody who has shown no valid token; then their socket rests until they have. Enough for
 * what a client sends without waiting for the answer: a token, a state vector, presence.
 */
const UNKNOWN_BYTES_MAX = 256 << 10
/** A close reason has at most 123 bytes (RFC 6455, section 5.5). */
const REASON_BYTES_MAX = 123

type Unread =
  /** A stranger has said enough. */
  | 'unknown'
  /** Enough of it waits for documents that are opening. */
  | 'backlog'
  /** It speaks faster than it may. */
  | 'pace'

export class ClientSocket {
  readonly log: Logger
  readonly backlog: Backlog
  readonly #options: ClientSocketOptions
  readonly #webSocket: WebSocket
  readonly #stream: Socket
  #state: 'open' | 'closing' | 'closed' = 'open'
  #outgoing: PackedFrame[] = []
  #outgoingBytes = 0
  /** Of those that wait. */
  #largestFrame = 0
  #missedPings = 0
  /** What was read before the client was known; undefined once it is. */
  #unknownBytes: number | undefined = 0
  /** Why it is not read just now. */
  readonly #unread = new Set<Unread>()
  readonly #pace: Pace
  #onStuck = () => {}
  #onTooFast = (error: WeftError) => this.close(error)
  #cancelCut: Cancel = () => {}

  constructor(options: ClientSocketOptions) {
    this.#options = options
    this.#webSocket = options.webSocket
    this.#stream = options.stream
    this.log = options.log
    this.backlog = new Backlog({
      bytesMax: options.limits.queueBytesMax,
      clock: options.clock,
      onFull: isFull => this.#leaveUnread('backlog', isFull),
      onStuck: () => this.#onStuck(),
    })
    this.#pace = options.paces.of({
      onWait: waits => this.#leaveUnread('pace', waits),
      onTooLong: error => this.#onTooFast(error),
    })
  }

  /** Has it shown a valid token? */
  get isKnown(): boolean {
    return this.#unknownBytes === undefined
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The client reads more slowly than it is sent to. */
  get isCongested(): boolean {
    return this.#waitingBytes > this.#options.limits.lagBytes
  }

  get #waitingBytes(): number {
    return this.#outgoingBytes + this.#stream.writableLength
  }

  listen({ onFrame, onDrain, onStuck, onTooFast, onClose }: ClientSocketListener): void {
    const { metrics } = this.#options
    this.#onStuck = onStuck
    this.#onTooFast = onTooFast
    const ws = this.#webSocket
    ws.on('message', (data, isBinary) => {
      this.#missedPings = 0
      if (this.#state !== 'open') return
      metrics.tally.framesReceived += 1
      this.#receive(data as Buffer, { isBinary, onFrame })
    })
    this.#stream.on('data', this.#countUnknown)
    this.#stream.on('drain', () => {
      this.#largestFrame = 0
      if (this.#state === 'open') onDrain()
    })
    ws.on('pong', () => {
      this.#missedPings = 0
    })
    // Bad frames and broken connections; ws closes the socket itself, with the code it should have.
    ws.on('error', error => this.log.info({ err: error }, 'a socket failed'))
    ws.on('close', code => {
      this.#state = 'closed'
      this.#cancelCut()
      this.backlog.close()
      this.#pace.close()
      this.log.debug({ code }, 'socket closed')
      onClose()
    })
  }

  /** The client has shown a valid token: what it says is read as it comes. */
  welcome(): void {
    if (this.#unknownBytes === undefined) return
    this.#unknownBytes = undefined
    this.#stream.off('data', this.#countUnknown)
    this.#leaveUnread('unknown', false)
  }

  /** Frames that never end would fill the memory before anybody looks at them. */
  readonly #countUnknown = (chunk: Buffer): void => {
    if (this.#unknownBytes === undefined) return
    this.#unknownBytes += chunk.byteLength
    if (this.#unknownBytes > UNKNOWN_BYTES_MAX) this.#leaveUnread('unknown', true)
  }

  /** Every frame, once it is known what it is: what comes too fast is read later. */
  count(frame: CountedFrame): void {
    this.#pace.count(frame)
  }

  /** What is not read stays with the client: its own buffers tell it to wait. */
  #leaveUnread(why: Unread, isOn: boolean): void {
    const wasRead = this.#unread.size === 0
    if (isOn) this.#unread.add(why)
    else this.#unread.delete(why)
    const isRead = this.#unread.size === 0
    if (isRead === wasRead) return
    if (isRead) this.#webSocket.resume()
    else this.#webSocket.pause()
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
      onFrame(ownBytes(data))
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
    this.#outgoingBytes += frame.byteLength
    this.#largestFrame = Math.max(this.#largestFrame, frame.byteLength)
    if (this.#outgoing.length === 1) this.#options.flusher.add(this)
    // A whole document may be larger than the limit: one of them does not count.
    if (this.#waitingBytes - this.#largestFrame <= this.#options.limits.sendBytesMax) return
    const sentence = `${this.#waitingBytes} bytes wait to be read`
    this.close(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
  }

  /**
   * Writes to the stream underneath `ws`. That is safe between two of its own frames: without
   * compression it writes each of them whole, at once.
   */
  flush(): void {
    const frames = this.#outgoing
    const bytes = this.#outgoingBytes
    this.#outgoing = []
    this.#outgoingBytes = 0
    if (frames.length === 0 || this.#state === 'closed') return
    this.#options.metrics.tally.messagesSent += frames.length
    const [first] = frames
    if (frames.length === 1) return void this.#stream.write(first as PackedFrame)
    if (bytes <= JOINED_BYTES_MAX) return void this.#stream.write(Buffer.concat(frames))
    // Large frames are shared by all who get them, and are not copied for each.
    this.#stream.cork()
    for (const frame of frames) this.#stream.write(frame)
    this.#stream.uncork()
  }

  /** Pings the client; cuts it off when it has not been heard of for two of them. */
  ping(): void {
    if (this.#state !== 'open') return
    // Its answers may be what is not read.
    if (this.#unread.size > 0) this.#missedPings = 0
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
    // It is read again, so that its own goodbye is heard; nothing else of it is listened to.
    this.#leaveUnread('pace', false)
    this.#webSocket.close(code, Buffer.from(reason).subarray(0, REASON_BYTES_MAX))
  }
}

/** A decoder must never see beyond its own frame, and small ones lie in memory that others share. */
function ownBytes(data: Buffer): Uint8Array {
  const isAlone = data.byteLength === data.buffer.byteLength
  return isAlone ? new Uint8Array(data.buffer) : Uint8Array.from(data)
}
