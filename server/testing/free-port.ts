/** A port of the loopback that nobody listens on just now. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'

export async function freePort(): Promise<number> {
  const server = await listen(0)
  const { port } = server.address() as AddressInfo
  await close(server)
  return port
}

/** A port whose partner, so much above it, is free as well; both below those of outgoing sockets. */
export async function freePortPair(apart: number): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * (20_000 - apart))
    try {
      await close(await listen(port))
      await close(await listen(port + apart))
      return port
    } catch {
      // Somebody is there: the next one.
    }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  await new Promise(resolve => server.close(resolve))
}
