/** F25, G21: three nodes are restarted in turn, and one is killed, under a crowd that goes on writing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import type { DocumentHandle } from '../../client/sdk/document-handle.ts'
import { until } from '../../server/testing/until.ts'
import { pick, seededRandom } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { frontDoor, type FrontDoor } from '../support/front-door.ts'
import { missing } from '../support/needs.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { testToken } from '../support/server-process.ts'

const crowd = Number(process.env['CROWD'] ?? 150)
const DOCUMENTS = Math.max(20, crowd / 10)
const BIN_MS = 100
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('restarts of nodes', { binaries: ['initdb', 'redis-server'] })

type Guest = {
  readonly client: WeftClient
  readonly handle: DocumentHandle
  readonly written: string[]
}

describe.skipIf(reason !== null)(`${crowd} clients of three nodes`, () => {
  const random = seededRandom(seed)
  let cluster: Cluster
  let door: FrontDoor
  let guests: readonly Guest[] = []
  let writing: NodeJS.Timeout

  beforeEach(async () => {
    cluster = await Cluster.start({ nodes: 3, postgres: { fsync: 'off' } })
    door = await frontDoor(cluster.nodes, random)
    guests = await Promise.all(
      Array.from({ length: crowd }, async (_, i) => {
        const client = createClient({
          url: door.urls.url,
          token: await testToken(`user-${i}`, { ttl: 86_400 }),
          offline: 'memory',
          WebSocket,
        })
        return { client, handle: client.open(`rolling/${i % DOCUMENTS}`), written: [] }
      }),
    )
    await Promise.all(guests.map(({ handle }) => handle.whenSynced()))
    // Fifty edits a second, whoever is connected.
    writing = setInterval(() => {
      const { handle, written } = pick(random, guests)
      const token = `${guests.findIndex(guest => guest.handle === handle)}:${written.length}`
      handle.doc.getArray('tokens').push([token])
      written.push(token)
    }, 20)
  })
  afterEach(async () => {
    clearInterval(writing)
    await Promise.all(guests.map(({ client }) => client.close()))
    await door.close()
    await cluster.remove()
  })

  /** When each of those who are thrown out now has a live document again, ms after `act` began. */
  const returnsAfter = async (act: () => Promise<void>) => {
    const startedAt = performance.now()
    const left = new Map<Guest, number>()
    const back = new Map<Guest, number>()
    const connected: number[] = []
    const stops = guests.flatMap(guest => [
      guest.handle.state.subscribe(() => {
        const now = performance.now() - startedAt
        const isLive = guest.handle.status.kind === 'live'
        if (!isLive && !left.has(guest)) left.set(guest, now)
        if (isLive && left.has(guest) && !back.has(guest)) back.set(guest, now)
      }),
      guest.client.connection.subscribe(() => {
        if (guest.client.connection.get().kind === 'open' && left.has(guest)) {
          connected.push(performance.now() - startedAt)
        }
      }),
    ])
    await act()
    await until(() => left.size > 0, 'somebody has noticed')
    const isHere = () =>
      back.size === left.size && guests.every(({ handle }) => handle.status.kind === 'live')
    await until(isHere, 'all are back', 30_000)
    for (const stop of stops) stop()
    const awayMs = [...back].map(([guest, at]) => at - (left.get(guest) ?? at))
    return { awayMs, connected }
  }

  /** All that was ever written is saved, in the database once, and the same for all. */
  const nothingIsLost = async () => {
    clearInterval(writing)
    await Promise.all(guests.map(({ handle }) => handle.whenSaved()))
    for (let i = 0; i < DOCUMENTS; i++) {
      const own = guests.filter((_, k) => k % DOCUMENTS === i)
      const stored = await readFromPostgres(cluster.databaseUrl, `rolling/${i}`)
      const tokens = stored?.doc.getArray<string>('tokens').toArray() ?? []
      expect(tokens.toSorted()).toEqual(own.flatMap(({ written }) => written).toSorted())
      const isSame = ({ handle }: Guest) =>
        JSON.stringify(handle.doc.getArray('tokens')) === JSON.stringify(tokens)
      await until(() => own.every(isSame), 'all have it')
    }
  }

  const average = (values: readonly number[]) =>
    Math.round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length))

  const loads = async () => {
    const counts = [0, 2].map(id => cluster.node(id).metric('weft_document_loads_total'))
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  }
  const tell = (what: string, awayMs: readonly number[]) =>
    process.stdout.write(
      `${what}: ${awayMs.length} away for ${average(awayMs)} ms, ` +
        `at most ${Math.round(Math.max(...awayMs))} ms\n`,
    )

  test(`[F25] [G21] restarted in turn, then one is killed: all come back, nothing is lost; SEED=${seed}`, async () => {
    const away: number[] = []
    const connected: number[] = []
    for (const node of cluster.nodes) {
      const round = await returnsAfter(async () => {
        expect(await node.server.kill('SIGTERM')).toBe(0)
        await node.start()
      })
      away.push(...round.awayMs)
      connected.push(...round.connected)
      tell(`node ${node.id} restarted`, round.awayMs)
    }
    expect(away.length).toBeGreaterThan(crowd / 2)
    expect(average(away)).toBeLessThan(5_000)
    // Spread out, and not all in one moment.
    const bins = Map.groupBy(connected, at => Math.floor(at / BIN_MS))
    const fullest = Math.max(...[...bins.values()].map(({ length }) => length))
    process.stdout.write(`${fullest} of ${connected.length} came in the same ${BIN_MS} ms\n`)
    expect(fullest / connected.length).toBeLessThan(0.1)

    // Everybody who was on this one is on the others by now: give it its share.
    await returnsAfter(async () => door.shake())
    const before = await loads()
    const { awayMs } = await returnsAfter(() =>
      cluster
        .node(1)
        .server.kill()
        .then(() => {}),
    )
    tell('node 1 killed', awayMs)
    expect(awayMs.length).toBeGreaterThan(crowd / 6)
    expect(Math.max(...awayMs)).toBeLessThan(30_000)
    // However many come, a node reads a document once.
    expect((await loads()) - before).toBeLessThanOrEqual(2 * DOCUMENTS)
    await nothingIsLost()
  })
})
