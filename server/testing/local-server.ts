/** Servers of other people, as far as a test is concerned: on loopback addresses of their own. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificate.ts'

export type LocalServer = {
  readonly server: Server
  readonly port: number
  /** Connections so far, and those of them that are still open. */
  readonly connections: { readonly made: number; readonly open: number }
  close(): Promise<void>
}

export type LocalServerOptions = {
  /** Any of 127.0.0.0/8. */
  readonly address: string
  readonly port?: number
  readonly answer: RequestListener
  /** With one it speaks TLS. */
  readonly certificate?: Certificate
}

export async function localServer({
  address,
  port = 0,
  answer,
  certificate,
}: LocalServerOptions): Promise<LocalServer> {
  const server: Server =
    certificate === undefined ? createServer(answer) : createSecureServer(certificate, answer)
  const connections = { made: 0, open: 0 }
  server.on('connection', socket => {
    connections.made += 1
    connections.open += 1
    socket.on('close', () => (connections.open -= 1))
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    connections,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
