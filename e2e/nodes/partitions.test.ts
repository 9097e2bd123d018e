/** F13, F22, F23, G4: ways that are cut one by one, nodes that stand still, slow stores, and snapshots. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { Crew } from '../support/crew.ts'
import { missing } from '../support/needs.ts'
import { fingerprint } from '../support/oracle.ts'
import { testToken } from '../support/server-process.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['ROUNDS'] ?? 1)
const longestPauseMs = Number(process.env['LONGEST_MS'] ?? 2_000)
const reason = missing('partitions', { binaries: ['initdb', 'redis-server'] })

describe.skipIf(reason !== null)('three nodes, and what lies between them', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({
      nodes: 3,
      settings: { WEFT_SNAPSHOT_ENTRIES: '15', WEFT_DATABASE_TIMEOUT_MS: '3000' },
      postgres: { fsync: 'off' },
    })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
    for (const { toDatabase, toBus } of cluster.nodes) {
      toDatabase.restore()
      toBus?.restore()
    }
  })
  afterAll(() => cluster.remove())

  const open = async (node: number, name: string) => {
    const { syncUrl } = cluster.node(node).urls
    const client = stockProvider({ url: syncUrl, name, token: await testToken(`user-${node}`) })
    clients.push(client)
    await until(() => client.provider.isSynced && !client.provider.hasUnsyncedChanges, 'synced')
    return client
  }
  const isTold = ({ stateless }: StockClient, state: 'ok' | 'failing') =>
    stateless.findLast(({ type }) => type === 'weft.saving')?.['state'] === state

  /** A crew lives through `during`; then all is quiet, and everybody has to agree. */
  const survive = async (name: string, random: Random, during: (crew: Crew) => Promise<void>) => {
    const crew = await Crew.join({
      databaseUrl: cluster.databaseUrl,
      urls: writer => cluster.node(writer % 3).urls,
      writers: 12,
      documents: [`${name}/0`, `${name}/1`],
      random,
    })
    try {
      await crew.ready()
      crew.run(30)
      await during(crew)
      await crew.acknowledgesMore(crew.acknowledged, 15_000)
      await crew.stop()
      await crew.converged()
      const { lost, invented } = await crew.judge()
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
      return crew.acknowledged
    } finally {
      await crew.stop()
      crew.close()
    }
  }

  test.each(['cut', 'silence'] as const)(
    '[F22] one node loses the database (%s): it says so, calls nothing saved, and the rest go on',
    async how => {
      const name = `partition/${how}`
      const [ada, bob, carl] = [await open(0, name), await open(1, name), await open(2, name)]
      cluster.node(0).toDatabase[how]()
      ada.doc.getArray('all').push(['ada'])
      bob.doc.getArray('all').push(['bob'])
      const seen = () => [ada, bob, carl].every(({ doc }) => doc.getArray('all').length === 2)
      await until(seen, 'all see both', 2_000)
      await until(() => !bob.provider.hasUnsyncedChanges, 'the others save')
      await until(() => isTold(ada, 'failing'), 'ada is told', 5_000)
      expect(ada.provider.hasUnsyncedChanges).toBe(true)
      expect([bob, carl].some(client => isTold(client, 'failing'))).toBe(false)
      cluster.node(0).toDatabase.restore()
      await until(() => !ada.provider.hasUnsyncedChanges, 'ada is saved')
      await until(() => isTold(ada, 'ok'), 'and told')
    },
  )

  test('[F22] the database is away for one and the bus for another: edits go round by the third', async () => {
    const name = 'partition/both'
    const [ada, bob, carl] = [await open(0, name), await open(1, name), await open(2, name)]
    cluster.node(0).toDatabase.silence()
    cluster.node(1).toBus!.silence()
    bob.doc.getArray('all').push(['bob'])
    await until(() => !bob.provider.hasUnsyncedChanges, 'bob is saved')
    await until(() => carl.doc.getArray('all').length === 1, 'carl reads it in the journal', 5_000)
    // Nobody who can store it has anything to do with it, so the first who was told does.
    ada.doc.getArray('all').push(['ada'])
    await until(() => bob.doc.getArray('all').length === 2, 'bob reads it in the journal', 15_000)
    expect(ada.provider.hasUnsyncedChanges).toBe(true)
    cluster.node(0).toDatabase.restore()
    cluster.node(1).toBus!.restore()
    await until(() => !ada.provider.hasUnsyncedChanges, 'ada is saved')
    const prints = () => new Set([ada, bob, carl].map(({ doc }) => fingerprint(doc)))
    await until(() => prints().size === 1, 'equal', 5_000)
  })

  test(`[F22] ${rounds} times all ways are clogged one by one, and cleared in another order; SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const ways = cluster.nodes.flatMap(({ toDatabase, toBus }) => [toDatabase, toBus!])
    const acknowledged = await survive('swizzle', random, async () => {
      for (let round = 0; round < rounds; round++) {
        for (const way of shuffled(ways, random)) {
          if (random.next() < 0.5) way.cut()
          else way.silence()
          await pause(integerBetween(random, 0, 300))
        }
        for (const way of shuffled(ways, random)) {
          await pause(integerBetween(random, 0, 300))
          way.restore()
        }
      }
    })
    process.stdout.write(`swizzled: ${acknowledged} acknowledged\n`)
    expect(acknowledged).toBeGreaterThan(20)
  })

  test(`[G4] [F13] [F23] slow stores and nodes that stand still over their snapshots; SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const acknowledged = await survive('snapshots', random, async () => {
      for (let round = 0; round < 3 * rounds; round++) {
        for (const { toDatabase } of cluster.nodes) toDatabase.delay(integerBetween(random, 0, 500))
        const sleeper = pick(random, cluster.nodes)
        await pause(integerBetween(random, 200, 1_000))
        sleeper.pause()
        await pause(integerBetween(random, 100, longestPauseMs))
        sleeper.resume()
      }
      for (const { toDatabase } of cluster.nodes) toDatabase.restore()
    })
    const outcomes = await Promise.all(cluster.nodes.map(snapshotOutcomes))
    const put = outcomes.reduce((sum, outcome) => sum + outcome.put, 0)
    const stale = outcomes.reduce((sum, outcome) => sum + outcome.stale, 0)
    process.stdout.write(`${acknowledged} acknowledged; snapshots: ${put} put, ${stale} stale\n`)
    expect(put).toBeGreaterThan(3)
  })
})

async function snapshotOutcomes({ urls }: Cluster['nodes'][number]) {
  const text = await (await fetch(`${urls.url}/metrics`)).text()
  const count = (outcome: string) =>
    Number(new RegExp(`^weft_snapshots_total{outcome="${outcome}"} (\\d+)`, 'm').exec(text)?.[1])
  return { put: count('put') || 0, stale: count('stale') || 0 }
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map(item => ({ item, place: random.next() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item)
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
