/** A socket whose incoming frames wait until they are let through: a slow network, on demand. */
import type { SocketConstructor, SocketLike } from '../../client/sdk/socket.ts'

type Handler = ((event: never) => void) | null

/** The handle of a test on the sockets of one client. */
export class Holder {
  #holding = false
  #waiting: { readonly from: object; readonly deliver: () => void }[] = []

  get isHolding(): boolean {
    return this.#holding
  }

  get waiting(): number {
    return this.#waiting.length
  }

  hold(): void {
    this.#holding = true
  }

  /** Lets one frame through; false when none waits. */
  releaseOne(): boolean {
    const frame = this.#waiting.shift()
    frame?.deliver()
    return frame !== undefined
  }

  /** Lets everything through, from now on too. */
  open(): void {
    this.#holding = false
    while (this.releaseOne()) continue
  }

  /** What waits from this socket is lost with it. */
  drop(from: object): void {
    this.#waiting = this.#waiting.filter(frame => frame.from !== from)
  }

  receive(from: object, deliver: () => void): void {
    if (this.#holding) this.#waiting.push({ from, deliver })
    else deliver()
  }
}

/** A constructor of sockets that `holder` controls, on top of the real ones. */
export function heldSocket(Base: SocketConstructor, holder: Holder): SocketConstructor {
  return class HeldSocket implements SocketLike {
    readonly #socket: SocketLike
    onopen: Handler = null
    onmessage: Handler = null
    onclose: Handler = null
    onerror: Handler = null

    constructor(url: string) {
      this.#socket = new Base(url)
      this.#socket.onopen = (event: never) => this.onopen?.(event)
      this.#socket.onerror = (event: never) => this.onerror?.(event)
      this.#socket.onmessage = (event: never) => holder.receive(this, () => this.onmessage?.(event))
      this.#socket.onclose = (event: never) => {
        holder.drop(this)
        this.onclose?.(event)
      }
    }

    get binaryType(): string {
      return this.#socket.binaryType
    }

    set binaryType(type: string) {
      this.#socket.binaryType = type
    }

    send(data: Uint8Array): void {
      this.#socket.send(data)
    }

    close(code?: number, reason?: string): void {
      holder.drop(this)
      this.#socket.close(code, reason)
    }
  }
}
