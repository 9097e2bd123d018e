/** One address before several nodes, as a balancer has: whoever connects gets any that is up. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { pick, type Random } from '../../shared/random.ts'
import type { ClusterNode } from './cluster.ts'

export type FrontDoor = {
  readonly urls: ClusterNode['urls']
  /** From now on whoever connects gets one of these, if any of them is up. */
  prefer(nodes: readonly ClusterNode[]): void
  /** Ends every connection: everybody comes back, most of them to another node. */
  shake(): void
  close(): Promise<void>
}

export async function frontDoor(nodes: readonly ClusterNode[], random: Random): Promise<FrontDoor> {
  const sockets = new Set<Socket>()
  let preferred = nodes
  const choose = () => {
    const up = preferred.filter(node => node.isUp)
    const choice = up.length > 0 ? up : nodes.filter(node => node.isUp)
    return choice.length === 0 ? undefined : pick(random, choice)
  }
  const server = createServer(client => {
    const node = choose()
    if (node === undefined) return void client.destroy()
    const far = connect(node.port, '127.0.0.1')
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      // A node that has just ended, or is still starting: the client comes back; `close` follows.
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const shake = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    urls: {
      url: `http://${address}`,
      syncUrl: `ws://${address}/sync`,
      yUrl: `ws://${address}/y`,
    },
    prefer: some => void (preferred = some),
    shake,
    async close() {
      shake()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
