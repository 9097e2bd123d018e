/** The HTTP server under the routes: listens, answers, and stops taking requests. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { RestEnv } from './rest-env.ts'
import type { StopReport } from '../base/life-cycle.ts'

export type HttpServerOptions = {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly rest: OpenAPIHono<RestEnv>
  readonly onUpgrade: (request: IncomingMessage, stream: Socket, head: Buffer) => void
}

export type HttpServer = {
  /** Where it listens, as people write it. */
  readonly url: string
  /** Refuses new requests; those on their way get their answers, idle connections are cut. */
  stop(): StopReport
}

/** Rejects when the address is taken. */
export async function listen({
  host,
  port,
  rest,
  onUpgrade,
}: HttpServerOptions): Promise<HttpServer> {
  const answer = getRequestListener(rest.fetch)
  const server = createServer((request, response) => void answer(request, response))
  server.on('upgrade', (request, stream, head) => onUpgrade(request, stream as Socket, head))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    stop() {
      server.close()
      server.closeIdleConnections()
      return []
    },
  }
}
