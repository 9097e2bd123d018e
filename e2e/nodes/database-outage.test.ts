/** G2, F5, G18: the database that all nodes share crashes, stands still, or loses an answer. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startAnswerThief } from '../../server/testing/answer-thief.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { Cluster, type ClusterNode } from '../support/cluster.ts'
import { Crew } from '../support/crew.ts'
import { missing } from '../support/needs.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['ROUNDS'] ?? 2)
const shortestMs = Number(process.env['SHORTEST_MS'] ?? 100)
const longestMs = Number(process.env['LONGEST_MS'] ?? 3_000)
const reason = missing('outages of the database', { binaries: ['initdb', 'redis-server'] })
const names = (function* () {
  for (let i = 0; ; i++) yield `outage/${i}`
})()

describe.skipIf(reason !== null)('three nodes without their database', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    // With its syncs: what was acknowledged has to outlive a crash.
    cluster = await Cluster.start({ nodes: 3, settings: { WEFT_DRAIN_TIMEOUT_MS: '1500' } })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => cluster.remove())

  const openAt = async (syncUrl: string, name: string, user: string) => {
    const client = stockProvider({ url: syncUrl, name, token: await testToken(user) })
    clients.push(client)
    return client
  }
  const open = async (node: number, name: string, user = `user-${node}`) => {
    const client = await openAt(cluster.node(node).urls.syncUrl, name, user)
    await until(() => client.provider.isSynced, 'synced')
    await saved(client)
    return client
  }
  const saved = (client: StockClient, timeoutMs = 15_000) =>
    until(() => !client.provider.hasUnsyncedChanges, 'acknowledged', timeoutMs)
  const isTold = (client: StockClient, state: 'ok' | 'failing') =>
    client.stateless.findLast(({ type }) => type === 'weft.saving')?.['state'] === state
  const readiness = async (node: ClusterNode) => (await fetch(`${node.urls.url}/readyz`)).status

  test(`[G2] ${rounds} crashes under 12 writers on all nodes; SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const crew = await Crew.join({
      databaseUrl: cluster.databaseUrl,
      urls: writer => cluster.node(writer % 3).urls,
      writers: 12,
      documents: [names.next().value, names.next().value],
      random,
    })
    try {
      await crew.ready()
      crew.run(40)
      for (let round = 1; round <= rounds; round++) {
        const acknowledged = crew.acknowledged
        await crew.acknowledgesMore(acknowledged + 30)
        await cluster.postgres.stop('immediate')
        const later = crew.writers.map(({ written }) => written.length)
        const awayMs = integerBetween(random, shortestMs, longestMs)
        await pause(awayMs)
        // What was written since cannot be anywhere.
        const lies = crew.writers.flatMap(({ written, acknowledged: told }, i) =>
          written.slice(later[i]).filter(token => told.has(token)),
        )
        expect(lies).toEqual([])
        await cluster.postgres.start()
        const backAt = performance.now()
        await crew.acknowledgesMore(crew.acknowledged, 15_000)
        const recoveredMs = Math.round(performance.now() - backAt)
        const { lost, invented, ...counts } = await crew.judge()
        process.stdout.write(`${JSON.stringify({ round, awayMs, recoveredMs, ...counts })}\n`)
        expect({ lost, invented }).toEqual({ lost: [], invented: [] })
      }
      await crew.stop()
      await crew.converged()
      const { lost, invented } = await crew.judge()
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
    } finally {
      await crew.stop()
      crew.close()
    }
  })

  test('[G2] while it is away people go on together, are told, and nobody starts anything new', async () => {
    const name = names.next().value
    const all = [await open(0, name), await open(1, name), await open(2, name)]
    await cluster.postgres.stop('immediate')
    const awayAt = performance.now()
    for (const [i, client] of all.entries()) client.doc.getArray('all').push([i])
    const seen = () => all.every(({ doc }) => doc.getArray('all').length === 3)
    await until(seen, 'all see each other’s edits', 2_000)
    await until(() => all.every(client => isTold(client, 'failing')), 'all are told', 5_000)
    process.stdout.write(`told after ${Math.round(performance.now() - awayAt)} ms\n`)
    await until(
      async () => (await Promise.all(cluster.nodes.map(readiness))).every(code => code === 503),
      'not ready',
      5_000,
    )
    expect(all.map(({ provider }) => provider.hasUnsyncedChanges)).toEqual([true, true, true])

    const newcomer = await openAt(cluster.node(1).urls.syncUrl, names.next().value, 'newcomer')
    await until(() => newcomer.stateless.length > 0, 'the newcomer is told', 15_000)
    expect(newcomer.stateless[0]).toMatchObject({
      type: 'weft.error',
      // Whether they may come in is in the database as well.
      error: { code: 'DEPENDENCY_UNAVAILABLE', retryable: true },
    })
    expect(newcomer.failures).toEqual([])

    await cluster.postgres.start()
    const backAt = performance.now()
    for (const client of all) await saved(client)
    process.stdout.write(`saved ${Math.round(performance.now() - backAt)} ms after it was back\n`)
    await until(() => all.every(client => isTold(client, 'ok')), 'all are told')
    await until(() => newcomer.provider.isSynced, 'the newcomer gets in by himself', 20_000)
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(stored?.doc.getArray('all').length).toBe(3)
    await until(
      async () => (await Promise.all(cluster.nodes.map(readiness))).every(code => code === 200),
      'ready',
    )
  })

  test('[F5] it stands still for five seconds: late, told, and nothing twice in the text', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    cluster.postgres.hold('SIGSTOP')
    const until5s = pause(5_000)
    ada.text.insert(0, 'ada ')
    await until(() => bob.text.toString() === 'ada ', 'bob sees it', 2_000)
    // Leans on what another node has still to store.
    bob.text.insert(4, 'and bob')
    await until(() => isTold(ada, 'failing') && isTold(bob, 'failing'), 'both are told', 5_000)
    await until5s
    expect([ada, bob].some(({ provider }) => !provider.hasUnsyncedChanges)).toBe(false)
    cluster.postgres.hold('SIGCONT')
    await Promise.all([saved(ada), saved(bob)])
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(stored?.doc.getText('text').toString()).toBe('ada and bob')
  })

  test('[F5] the answer to a commit is lost: the entry is found, and not stored a second time', async () => {
    const name = names.next().value
    const thief = await startAnswerThief(cluster.postgres.port)
    const folder = temporaryFolder()
    const server = await ServerProcess.start({
      dataDir: folder.path,
      settings: {
        WEFT_DATABASE_URL: thief.url(cluster.databaseUrl),
        WEFT_REDIS_URL: cluster.redis!.url,
      },
    })
    try {
      const client = await openAt(server.syncUrl, name, 'unlucky')
      await until(() => client.provider.isSynced, 'synced')
      await saved(client)
      for (let i = 0; i < 3; i++) {
        const { stolen } = thief
        thief.stealNext('weft_append')
        client.text.insert(i, 'x')
        await until(() => thief.stolen > stolen, 'the answer is stolen')
        await saved(client)
      }
      // Another node that had been told might have stored it too, had it waited long enough.
      expect((await open(0, name)).text.toString()).toBe('xxx')
      const stored = await readFromPostgres(cluster.databaseUrl, name)
      expect(stored?.doc.getText('text').toString()).toBe('xxx')
      expect(stored?.entries).toBe(3)
    } finally {
      await server.kill()
      await thief.close()
      folder.remove()
    }
  })

  test('[G18] told to end while it is away: in time, with a code, naming what is left', async () => {
    const [name, other] = [names.next().value, names.next().value]
    const [ada, bob] = [await open(0, name), await open(0, other, 'bob')]
    const peer = await open(1, name)
    // What others told a moment ago is looked up first: nobody could do that afterwards.
    const unsaved = () => cluster.node(0).metric('weft_documents_unsaved')
    await until(async () => (await unsaved()) === 0, 'nothing is left of the tests before')
    await cluster.postgres.stop('immediate')
    ada.text.insert(0, 'x')
    bob.text.insert(0, 'yy')
    await until(() => peer.text.toString() === 'x', 'it has been told')
    await until(async () => (await unsaved()) === 2, 'both')
    const { server } = cluster.node(0)
    const startedAt = performance.now()
    expect(await server.kill('SIGTERM')).toBe(74)
    const tookMs = performance.now() - startedAt
    process.stdout.write(`ended after ${Math.round(tookMs)} ms of 1500\n`)
    expect(tookMs).toBeLessThan(10_000)
    const named = server.log.flatMap(({ msg }) => /outage\/\d+: \d+ edits/.exec(msg ?? '') ?? [])
    expect(named.toSorted()).toEqual([`${name}: 1 edits`, `${other}: 1 edits`])
    // Its clients have it all, and come back with it.
    await cluster.postgres.start()
    await cluster.node(0).start()
    await Promise.all([saved(ada), saved(bob)])
    for (const [document, text] of [
      [name, 'x'],
      [other, 'yy'],
    ] as const) {
      const stored = await readFromPostgres(cluster.databaseUrl, document)
      expect(stored?.doc.getText('text').toString()).toBe(text)
    }
  })
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
