/** Access that is taken back on one node ends on all of them, with and without the bus. */
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { messageType, readFrame, syncFrame, syncStep } from '../../shared/frames.ts'
import { rawClient } from '../../server/testing/raw-client.ts'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('several nodes', { binaries: ['initdb', 'redis-server'] })

describe.skipIf(reason !== null)('access on two nodes', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 2, postgres: { fsync: 'off' } })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
    for (const node of cluster.nodes) node.toBus?.restore()
  })
  afterAll(() => cluster.remove())

  const request = async (path: string, init: RequestInit) => {
    const headers = new Headers({ 'content-type': 'application/json' })
    headers.set('authorization', `Bearer ${await testToken('owner')}`)
    return fetch(`${cluster.node(0).urls.url}${path}`, { ...init, headers })
  }
  const grant = async (resource: string) => {
    const order = { subject: 'user:guest', resource, role: 'editor' }
    const response = await request('/v1/grants', { method: 'POST', body: JSON.stringify(order) })
    expect(response.status).toBe(201)
    return ((await response.json()) as { id: string }).id
  }
  const owner = async (name: string) => {
    const { syncUrl } = cluster.node(0).urls
    const client = stockProvider({ url: syncUrl, name, token: await testToken('owner') })
    clients.push(client)
    await until(() => client.provider.isSynced, 'the owner is in')
    return client
  }
  /** A guest on the other node, every frame of which is kept with the time at which it came. */
  const guest = async (name: string) => {
    const client = await rawClient(cluster.node(1).urls.syncUrl)
    const arrivals: number[] = []
    client.socket.on('message', (data: Buffer) => {
      // A ping is one byte, and says nothing of the document.
      if (data.byteLength === 1) return
      const { type } = readFrame(Uint8Array.from(data))
      if (type === messageType.sync || type === messageType.awareness) arrivals.push(Date.now())
    })
    client.authenticate(name, await testToken('guest', { grants: [] }))
    client.send(syncFrame(name, syncStep.step1, Y.encodeStateVector(new Y.Doc())))
    await until(() => arrivals.length > 0, 'the guest is in')
    return { client, arrivals }
  }

  test.each(['with the bus', 'without the bus'])(
    '[G11] [F21] revoked on one node, silent on the other within two seconds, %s',
    async how => {
      const name = `revoked/${how.replaceAll(' ', '-')}`
      const writer = await owner(name)
      writer.text.insert(0, 'begin')
      const id = await grant(name)
      if (how === 'without the bus') for (const node of cluster.nodes) node.toBus?.cut()
      const { client, arrivals } = await guest(name)
      // The guest writes all the time, and so does the owner.
      const doc = new Y.Doc()
      let isOver = false
      const typing = (async () => {
        for (let i = 0; !isOver; i++) {
          writer.text.insert(0, 'o')
          const before = Y.encodeStateVector(doc)
          doc.getText('guest').insert(0, `${i} `)
          const update = Y.encodeStateAsUpdate(doc, before)
          if (client.closed === undefined) client.send(syncFrame(name, syncStep.update, update))
          await new Promise(resolve => setTimeout(resolve, 20))
        }
      })()
      const seen = arrivals.length
      // Without the bus the other node asks the journal once a second.
      await until(() => arrivals.length > seen + 1, 'the guest hears the owner')

      expect((await request(`/v1/grants/${id}`, { method: 'DELETE' })).status).toBe(204)
      const revokedAt = Date.now()
      await until(() => client.told().some(({ error }) => error?.code === 'FORBIDDEN'), 'told')
      // Whatever is still to come would have come by then.
      const length = writer.text.length
      await until(() => writer.text.length > length + 100, 'the owner goes on')
      isOver = true
      await typing
      const silentAfterMs = Math.max(...arrivals) - revokedAt
      const lastRowMs = (await lastEntryOf('guest')) - revokedAt
      process.stdout.write(`${how}: silent ${silentAfterMs} ms, last row ${lastRowMs} ms after it
`)
      expect(silentAfterMs).toBeLessThan(2_000)
      expect(lastRowMs).toBeLessThan(2_000)
      client.close()
    },
  )

  async function lastEntryOf(author: string): Promise<number> {
    const database = new Client({ connectionString: cluster.databaseUrl })
    await database.connect()
    const { rows } = await database.query<{ at: string }>(
      'SELECT max(at) AS at FROM entries WHERE author = $1',
      [author],
    )
    await database.end()
    return Number(rows[0]?.at)
  }
})
