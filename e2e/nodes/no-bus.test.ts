/** G5: two nodes on one store that cannot tell each other anything find out from the store. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { seededRandom } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { Crew } from '../support/crew.ts'
import { missing } from '../support/needs.ts'
import { testToken } from '../support/server-process.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('two nodes without a bus', { binaries: ['initdb'] })

describe.skipIf(reason !== null)('two nodes without a bus', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 2, redis: false, postgres: { fsync: 'off' } })
  })
  afterAll(() => cluster.remove())

  test(`[G5] edits of both are stored, and are one document; SEED=${seed}`, async () => {
    const crew = await Crew.join({
      databaseUrl: cluster.databaseUrl,
      urls: writer => cluster.node(Math.floor(writer / 2) % 2).urls,
      writers: 8,
      documents: ['alone/0', 'alone/1'],
      random: seededRandom(seed),
    })
    try {
      await crew.ready()
      crew.run(40)
      await crew.acknowledgesMore(150, 20_000)
      await crew.stop()
      await crew.converged(5_000)
      const { lost, invented } = await crew.judge()
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
    } finally {
      await crew.stop()
      crew.close()
    }
  })

  test('[G5] an edit reaches the other node within two seconds', async () => {
    const clients: StockClient[] = []
    for (const { urls } of cluster.nodes) {
      const token = await testToken(`user-${clients.length}`)
      clients.push(stockProvider({ url: urls.syncUrl, name: 'alone/late', token }))
    }
    await until(() => clients.every(({ provider }) => provider.isSynced), 'synced')
    const times: number[] = []
    for (let i = 0; i < 4; i++) {
      const [one, other] = i % 2 === 0 ? clients : clients.toReversed()
      const startedAt = performance.now()
      one!.text.insert(0, 'x')
      await until(() => other!.text.length === i + 1, 'it is there')
      times.push(Math.round(performance.now() - startedAt))
    }
    process.stdout.write(`without a bus edits crossed after ${times.join(', ')} ms\n`)
    expect(Math.max(...times)).toBeLessThan(2_000)
    for (const client of clients) client.destroy()
  })
})
