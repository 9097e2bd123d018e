/** A tab that can crash whole: its channels, its locks, and the sockets of its page. */
import type { SocketConstructor, SocketLike } from '../socket.ts'
import type { FakeTab } from './fake-tabs.ts'

export type CrashableTab = {
  readonly tab: FakeTab
  readonly WebSocket: SocketConstructor
  /** How many real sockets it has opened. */
  readonly opened: () => number
  /** Nothing is said, nothing is heard, and the network notices. */
  crash(): void
}

/** `latencyMs`: how long a frame is on its way to the server, and as long back. */
export function crashableTab(tab: FakeTab, latencyMs = 0): CrashableTab {
  const later = (action: () => void) => {
    const unlessDead = () => {
      if (!isDead) action()
    }
    if (latencyMs === 0) unlessDead()
    else setTimeout(unlessDead, latencyMs)
  }
  const sockets = new Set<WebSocket>()
  let isDead = false
  let opened = 0
  class PageSocket implements SocketLike {
    binaryType = 'arraybuffer'
    onopen: SocketLike['onopen'] = null
    onmessage: SocketLike['onmessage'] = null
    onclose: SocketLike['onclose'] = null
    onerror: SocketLike['onerror'] = null
    readonly #real: WebSocket | undefined

    constructor(url: string) {
      if (isDead) return
      opened += 1
      const real = new WebSocket(url)
      this.#real = real
      real.binaryType = 'arraybuffer'
      sockets.add(real)
      real.onopen = event => !isDead && this.onopen?.(event as never)
      real.onmessage = event => later(() => this.onmessage?.(event as never))
      real.onclose = event => {
        sockets.delete(real)
        if (!isDead) this.onclose?.(event as never)
      }
    }

    send(data: Uint8Array): void {
      later(() => this.#real?.send(data as Uint8Array<ArrayBuffer>))
    }

    close(): void {
      this.#real?.close()
    }
  }
  return {
    tab,
    WebSocket: PageSocket,
    opened: () => opened,
    crash() {
      isDead = true
      tab.kill()
      for (const socket of sockets) socket.close()
    },
  }
}
