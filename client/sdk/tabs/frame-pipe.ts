/** Frames between two tabs: numbered, and only so many that were not taken yet. */
import type { ChannelLike } from './environment.ts'
import { parseSocketMessage, type SocketMessage } from './socket-message.ts'

export type PipeListener = {
  readonly onFrame: (frame: Uint8Array) => void
  readonly onMessage: (message: Exclude<SocketMessage, { readonly type: 'frame' }>) => void
  /** A frame did not come: the pipe is of no use any more. */
  readonly onBroken: () => void
}

/** With more on its way the other end does not keep up; a single frame may be larger. */
export const PIPE_BYTES_MAX = 4 << 20
/** So many bytes are taken before the other end is told without having asked. */
const REPORT_BYTES = 256 << 10

export class FramePipe {
  readonly #channel: ChannelLike
  #sentNumber = 0
  #sentBytes = 0
  /** What the other end said it took of it. */
  #takenBytes = 0
  #receivedNumber = 0
  #receivedBytes = 0
  #reportedBytes = 0
  #isClosed = false

  constructor(channel: ChannelLike, listener: PipeListener) {
    this.#channel = channel
    channel.onmessage = ({ data }) => {
      const message = this.#isClosed ? undefined : parseSocketMessage(data)
      if (message?.type === 'frame') this.#receive(message, listener)
      else if (message !== undefined) {
        if (message.type === 'beat') this.#takenBytes = message.took
        listener.onMessage(message)
      }
    }
  }

  /** False when the other end is too far behind, and nothing was sent. */
  send(frame: Uint8Array): boolean {
    if (this.#sentBytes - this.#takenBytes > PIPE_BYTES_MAX) return false
    this.#sentBytes += frame.byteLength
    this.#sentNumber += 1
    // What is cloned is the whole buffer below it.
    const bytes = frame.byteLength === frame.buffer.byteLength ? frame : frame.slice()
    this.post({ type: 'frame', number: this.#sentNumber, bytes })
    return true
  }

  post(message: SocketMessage): void {
    if (!this.#isClosed) this.#channel.postMessage(message)
  }

  beat(): void {
    this.#reportedBytes = this.#receivedBytes
    this.post({ type: 'beat', took: this.#receivedBytes })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#channel.onmessage = null
    this.#channel.close()
  }

  #receive(
    { number, bytes }: Extract<SocketMessage, { readonly type: 'frame' }>,
    { onFrame, onBroken }: PipeListener,
  ): void {
    if (number !== this.#receivedNumber + 1) return onBroken()
    this.#receivedNumber = number
    this.#receivedBytes += bytes.byteLength
    onFrame(bytes)
    if (this.#receivedBytes - this.#reportedBytes >= REPORT_BYTES) this.beat()
  }
}
