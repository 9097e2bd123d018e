/** Two nodes behind the nginx of `deploy/`: who works together meets on one, and need not. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../client/sdk/index.ts'
import { stockProvider, stockYProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { startNginx, type Nginx } from '../support/nginx.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('nodes behind nginx', { binaries: ['initdb', 'redis-server', 'nginx'] })

describe.skipIf(reason !== null)('two nodes behind nginx', () => {
  let cluster: Cluster
  let nginx: Nginx
  let roundRobin: Nginx
  const ends: (() => void)[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 2, postgres: { fsync: 'off' } })
    const ports = cluster.nodes.map(({ port }) => port)
    nginx = await startNginx(ports)
    roundRobin = await startNginx(ports, config =>
      config
        .replace('hash $affinity consistent;', '')
        .replace(/worker_processes auto/, 'worker_processes 1'),
    )
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) end()
    await until(async () => (await sockets()).every(count => count === 0), 'all have left')
  })
  afterAll(async () => {
    await Promise.all([nginx.close(), roundRobin.close()])
    await cluster.remove()
  })

  /** Open sockets of each node that is up. */
  const sockets = () =>
    Promise.all(
      cluster.nodes.map(node => (node.isUp ? node.metric('weft_connections') : Promise.resolve(0))),
    )
  const socketUrl = ({ url }: Nginx, path: string) => `${url.replace('http', 'ws')}${path}`
  const stock = async (name: string, door = nginx) => {
    const token = await testToken('stock')
    const client = stockProvider({ url: socketUrl(door, '/sync'), name, token })
    ends.push(() => client.destroy())
    return client
  }
  const ours = (name: string) => {
    const token = () => testToken('ada')
    const client = createClient({ url: nginx.url, token, offline: 'memory' })
    ends.push(() => void client.close())
    return client.open(name)
  }
  const stockY = async (name: string) => {
    const token = await testToken('y')
    const client = stockYProvider({ url: socketUrl(nginx, '/y'), name, token })
    ends.push(() => client.destroy())
    return client
  }

  test('sockets of one space land on one node, with weft’s client and with y-websocket', async () => {
    for (const space of ['acme', 'acme/plans', 'handbook', 'lab']) {
      const before = await sockets()
      const handles = Array.from({ length: 3 }, (_, i) => ours(`${space}/${i}`))
      await Promise.all(handles.map(handle => handle.whenSynced()))
      const yClients = [await stockY(`${space}/0`), await stockY(`${space}/1`)]
      await until(() => yClients.every(({ provider }) => provider.synced), 'synced')
      const grown = (await sockets()).map((count, i) => count - before[i]!)
      expect(
        [...grown].sort((one, other) => one - other),
        space,
      ).toEqual([0, 5])
    }
  })

  test('stock providers, which say no space, are spread and work', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => stock('acme/plan')))
    await until(() => clients.every(({ provider }) => provider.isSynced), 'synced')
    // One in half a million runs has them all on one node.
    for (const count of await sockets()) expect(count).toBeGreaterThan(0)
    clients[0]!.text.insert(0, 'everywhere')
    await until(() => clients.every(({ text }) => text.toString() === 'everywhere'), 'converged')
  })

  test('correctness does not depend on affinity: one document, two nodes, round robin', async () => {
    const [ada, bob] = [
      await stock('acme/spread', roundRobin),
      await stock('acme/spread', roundRobin),
    ]
    await until(() => ada.provider.isSynced && bob.provider.isSynced, 'synced')
    expect(await sockets()).toEqual([1, 1])
    ada.text.insert(0, 'one ')
    bob.text.insert(0, 'other ')
    const isWhole = ({ text }: typeof ada) => text.length === 10
    await until(() => isWhole(ada) && isWhole(bob), 'both have both')
    expect(ada.text.toString()).toBe(bob.text.toString())
  })

  test('what is one node’s own is not shown', async () => {
    expect((await fetch(`${nginx.url}/metrics`)).status).toBe(404)
    expect((await fetch(`${nginx.url}/readyz`)).status).toBe(200)
  })

  test('a node dies: its clients come back through nginx to the other one', async () => {
    const [ada, bob] = [ours('acme/plan-b'), ours('acme/plan-b')]
    await Promise.all([ada.whenSynced(), bob.whenSynced()])
    ada.doc.getText('text').insert(0, 'before')
    await ada.whenSaved()
    const home = (await sockets()).findIndex(count => count > 0)
    await cluster.node(home).server.kill()
    bob.doc.getText('text').insert(0, 'after, ')
    await bob.whenSaved()
    await until(() => ada.doc.getText('text').toString() === 'after, before', 'both are back')
    expect(await cluster.node(1 - home).metric('weft_connections')).toBe(2)
    const latecomer = await stock('acme/plan-b')
    await until(() => latecomer.text.toString() === 'after, before', 'open for newcomers')
  })
})
