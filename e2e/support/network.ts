/** The network between browsers and a server: can be cut, slowed and restored. */
import { connect, createServer, type Socket } from 'node:net'

export type Network = {
  /** Where browsers connect. */
  readonly url: string
  /** Ends every connection and refuses new ones. */
  cut(): void
  restore(): void
  /** Delays everything, both ways, by this much from now on. */
  slow(delayMs: number): void
  close(): Promise<void>
}

export async function createNetwork(serverPort: () => number): Promise<Network> {
  const sockets = new Set<Socket>()
  let isCut = false
  let delayMs = 0

  const forward = (from: Socket, to: Socket) => {
    from.on('data', chunk => {
      if (delayMs === 0) to.write(chunk)
      else setTimeout(() => to.write(chunk), delayMs)
    })
    from.on('close', () => to.destroy())
    // A broken connection is what this is made for; `close` follows.
    from.on('error', () => {})
  }

  const proxy = createServer(client => {
    if (isCut) {
      client.destroy()
      return
    }
    const server = connect(serverPort(), '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    forward(client, server)
    forward(server, client)
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    cut() {
      isCut = true
      drop()
    },
    restore() {
      isCut = false
    },
    slow(ms) {
      delayMs = ms
    },
    close() {
      drop()
      return new Promise(resolve => proxy.close(() => resolve()))
    },
  }
}
