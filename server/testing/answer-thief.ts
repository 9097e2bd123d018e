/** Stands before a Postgres, and cuts a connection after it has done what it was asked. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type AnswerThief = {
  url(direct: string): string
  /** The next request that names `text` is carried out, and nobody gets its answer. */
  stealNext(text: string): void
  /** Answers stolen so far. */
  readonly stolen: number
  close(): Promise<void>
}

export async function startAnswerThief(port: number): Promise<AnswerThief> {
  const sockets = new Set<Socket>()
  let wanted: string | undefined
  let stolen = 0
  const proxy = createServer(client => {
    const server = connect(port, '127.0.0.1')
    let isMarked = false
    client.on('data', chunk => {
      isMarked ||= wanted !== undefined && chunk.includes(wanted)
      server.write(chunk)
    })
    server.on('data', chunk => {
      if (!isMarked) return void client.write(chunk)
      // A statement of its own transaction is answered after its commit.
      wanted = undefined
      stolen += 1
      client.destroy()
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      // A broken connection is what this is made for; `close` follows.
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port: own } = proxy.address() as AddressInfo
  return {
    url(direct) {
      const url = new URL(direct)
      url.port = String(own)
      return url.href
    },
    stealNext(text) {
      wanted = text
    },
    get stolen() {
      return stolen
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
