/** G3, F6: the bus dies, is cut off, is slow or loses messages; the journal goes on, and repairs. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { seededRandom } from '../../shared/random.ts'
import { Cluster, type ClusterNode } from '../support/cluster.ts'
import { Crew } from '../support/crew.ts'
import { fingerprint } from '../support/oracle.ts'
import { missing } from '../support/needs.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { testToken } from '../support/server-process.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const partitionMs = Number(process.env['PARTITION_MS'] ?? 4_000)
const reason = missing('outages of the bus', { binaries: ['initdb', 'redis-server'] })
const names = (function* () {
  for (let i = 0; ; i++) yield `bus/${i}`
})()

describe.skipIf(reason !== null)('two nodes and their bus', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 2, postgres: { fsync: 'off' } })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const node of cluster.nodes) node.toBus?.restore()
    await until(async () => (await readiness()).every(({ status }) => status === 'ok'), 'all well')
  })
  afterAll(() => cluster.remove())

  const open = async (node: number, name: string) => {
    const { syncUrl } = cluster.node(node).urls
    const client = stockProvider({ url: syncUrl, name, token: await testToken(`user-${node}`) })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    await saved(client)
    return client
  }
  const saved = (client: StockClient) =>
    until(() => !client.provider.hasUnsyncedChanges, 'acknowledged')
  const readinessOf = async (node: ClusterNode) => {
    const answer = await fetch(`${node.urls.url}/readyz`)
    const { status } = (await answer.json()) as { status: string }
    return { code: answer.status, status }
  }
  const readiness = () => Promise.all(cluster.nodes.map(readinessOf))
  const told = (client: StockClient) => client.stateless.map(({ type }) => type)
  /** An edit of one is saved, and reaches the other in time. */
  const crosses = async (one: StockClient, other: StockClient, limitMs: number) => {
    const startedAt = performance.now()
    one.doc.getArray('all').push([one.doc.clientID])
    const { length } = one.doc.getArray('all')
    await until(() => other.doc.getArray('all').length === length, 'it has crossed', limitMs)
    const tookMs = Math.round(performance.now() - startedAt)
    await saved(one)
    return tookMs
  }

  test('[G3] it is killed: edits are saved and cross, documents open, nodes are ready', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    await cluster.redis!.kill()
    const degraded = async () => (await readiness()).every(({ status }) => status === 'degraded')
    await until(degraded, 'both say so', 5_000)
    expect((await readiness()).map(({ code }) => code)).toEqual([200, 200])
    const times = [await crosses(ada, bob, 5_000), await crosses(bob, ada, 5_000)]
    process.stdout.write(`without the bus edits crossed after ${times.join(' and ')} ms\n`)
    const other = names.next().value
    const [carl, dora] = [await open(0, other), await open(1, other)]
    await crosses(carl, dora, 5_000)
    expect([...told(ada), ...told(bob)]).toEqual([])
    // Made in its last moment: no further edit helps it across.
    ada.text.insert(0, 'last')
    await cluster.redis!.start()
    await until(() => fingerprint(ada.doc) === fingerprint(bob.doc), 'equal', 5_000)
    expect(bob.text.toString()).toBe('last')
  })

  test.each(['cut', 'silence'] as const)(
    '[F6] only one node’s way is gone (%s): edits cross in both directions',
    async how => {
      const name = names.next().value
      const [ada, bob] = [await open(0, name), await open(1, name)]
      cluster.node(0).toBus![how]()
      const times = [await crosses(ada, bob, 5_000), await crosses(bob, ada, 5_000)]
      process.stdout.write(`${how}: edits crossed after ${times.join(' and ')} ms\n`)
      await until(
        async () => (await readinessOf(cluster.node(0))).status === 'degraded',
        'the one says so',
      )
      expect((await readinessOf(cluster.node(1))).status).toBe('ok')
    },
  )

  test(`[G3] cut off for ${partitionMs} ms with edits on both sides; SEED=${seed}`, async () => {
    const documents = [names.next().value, names.next().value]
    const crew = await Crew.join({
      databaseUrl: cluster.databaseUrl,
      urls: writer => cluster.node(Math.floor(writer / 2) % 2).urls,
      writers: 8,
      documents,
      random: seededRandom(seed),
    })
    try {
      await crew.ready()
      crew.run(40)
      cluster.node(1).toBus!.silence()
      const { acknowledged } = crew
      await new Promise(resolve => setTimeout(resolve, partitionMs))
      expect(crew.acknowledged).toBeGreaterThan(acknowledged + 20)
      await crew.stop()
      cluster.node(1).toBus!.restore()
      await crew.converged(5_000)
      const { lost, invented } = await crew.judge()
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
    } finally {
      await crew.stop()
      crew.close()
    }
  })

  test('[G3] a fifth of all messages lost: each of 100 edits is there within 2 s', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    for (const { toBus } of cluster.nodes) toBus!.lose(0.2)
    const writtenAt: number[] = []
    const seenAt: number[] = []
    const [mine, theirs] = [ada.doc.getArray('stream'), bob.doc.getArray('stream')]
    theirs.observe(() => {
      while (seenAt.length < theirs.length) seenAt.push(performance.now())
    })
    for (let i = 0; i < 100; i++) {
      writtenAt.push(performance.now())
      mine.push([i])
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    await until(() => seenAt.length === 100, 'all of them')
    const lateness = writtenAt.map((at, i) => Math.round((seenAt[i] ?? Infinity) - at))
    const lost = cluster.nodes.reduce((sum, { toBus }) => sum + toBus!.lost, 0)
    process.stdout.write(`${lost} lost; the latest came after ${Math.max(...lateness)} ms\n`)
    expect(lost).toBeGreaterThan(10)
    expect(Math.max(...lateness)).toBeLessThan(2_000)
    await saved(ada)
    await until(() => fingerprint(ada.doc) === fingerprint(bob.doc), 'equal')
  })

  test('both are slow: everything is saved, and nobody is told otherwise', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    for (const { toBus, toDatabase } of cluster.nodes) {
      toBus!.delay(300, 300)
      toDatabase.delay(300)
    }
    try {
      for (let i = 0; i < 3; i++) {
        await crosses(ada, bob, 3_000)
        await crosses(bob, ada, 3_000)
      }
      expect([...told(ada), ...told(bob)]).toEqual([])
      const stored = await readFromPostgres(cluster.databaseUrl, name)
      expect(stored?.doc.getArray('all').length).toBe(6)
    } finally {
      for (const { toDatabase } of cluster.nodes) toDatabase.restore()
    }
  })

  test('both are away: nothing is called saved, and nothing is lost', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    await Promise.all([cluster.redis!.kill(), cluster.postgres.stop('immediate')])
    ada.doc.getArray('all').push(['ada'])
    bob.doc.getArray('all').push(['bob'])
    const isTold = (client: StockClient) =>
      client.stateless.some(({ type, state }) => type === 'weft.saving' && state === 'failing')
    await until(() => isTold(ada) && isTold(bob), 'both are told', 5_000)
    expect([ada, bob].map(({ provider }) => provider.hasUnsyncedChanges)).toEqual([true, true])
    await Promise.all([cluster.redis!.start(), cluster.postgres.start()])
    await Promise.all([saved(ada), saved(bob)])
    await until(() => fingerprint(ada.doc) === fingerprint(bob.doc), 'equal', 5_000)
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(stored?.doc.getArray('all').length).toBe(2)
  })
})
