/** A way from one process to another that can be cut, silent, or slow. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { lateLine } from './late-line.ts'

export type TcpProxy = {
  readonly port: number
  /** Bytes that have passed, both ways. */
  readonly bytes: number
  /** Ends every connection, and each new one at once. */
  cut(): void
  /** Connections stay open and nothing passes, either way: a partition that nobody is told of. */
  silence(): void
  /** Everything is late by this much, in its order. */
  delay(ms: number): void
  /** As at the start. What a silence held back is gone, with its connections. */
  restore(): void
  close(): Promise<void>
}

type Way =
  | { readonly kind: 'open' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'slow'; readonly ms: number }

export async function tcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let way: Way = { kind: 'open' }
  let bytes = 0

  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  const passTo = (to: Socket) => {
    const pass = lateLine(to)
    return (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (way.kind !== 'silent') pass(chunk, way.kind === 'slow' ? way.ms : 0)
    }
  }
  const server = createServer(near => {
    if (way.kind === 'cut') return void near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('data', passTo(other))
      // Broken connections are what this is made for; `close` follows.
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes
    },
    cut() {
      way = { kind: 'cut' }
      drop()
    },
    silence: () => void (way = { kind: 'silent' }),
    delay: ms => void (way = { kind: 'slow', ms }),
    restore() {
      if (way.kind === 'silent') drop()
      way = { kind: 'open' }
    },
    async close() {
      drop()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
