/** Stands between clients and server, and does to single frames what a test says. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer, type RawData } from 'ws'

export type Direction = 'up' | 'down'
/** The frames to pass on in the place of one; none drops it. */
export type Meddle = (frame: Uint8Array, direction: Direction, n: number) => readonly Uint8Array[]

export type FrameProxy = {
  readonly url: string
  /** Frames so far, in both directions. */
  readonly count: number
  meddle: Meddle
  close(): Promise<void>
}

export async function frameProxy(target: string): Promise<FrameProxy> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  let count = 0
  const proxy = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get count() {
      return count
    },
    meddle: ((frame: Uint8Array) => [frame]) as Meddle,
    async close() {
      for (const client of server.clients) client.terminate()
      await new Promise(resolve => server.close(resolve))
    },
  }
  server.on('connection', client => {
    const upstream = new WebSocket(target)
    const early: Uint8Array[] = []
    const pass = (to: WebSocket, direction: Direction) => (data: RawData) => {
      const frames = proxy.meddle(Uint8Array.from(data as Buffer), direction, ++count)
      for (const frame of frames) {
        if (to.readyState === WebSocket.OPEN) to.send(frame)
        else if (to === upstream) early.push(frame)
      }
    }
    client.on('message', pass(upstream, 'up'))
    upstream.on('open', () => {
      for (const frame of early.splice(0)) upstream.send(frame)
    })
    upstream.on('message', pass(client, 'down'))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.terminate())
    }
  })
  return proxy
}
