/** G1, F1, F14: nodes are killed at random moments, and their clients go on with another one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../server/testing/until.ts'
import { integerBetween, pick, seededRandom } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { Crew } from '../support/crew.ts'
import { frontDoor } from '../support/front-door.ts'
import { missing } from '../support/needs.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const rounds = Number(process.env['ROUNDS'] ?? 6)
const reason = missing('kills of nodes', { binaries: ['initdb', 'redis-server'] })

describe.skipIf(reason !== null)('three nodes and kill -9', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3, settings: { WEFT_SNAPSHOT_ENTRIES: '50' } })
  })
  afterAll(() => cluster.remove())

  test(`[G1] ${rounds} kills under 20 writers, who come back to another node; SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const door = await frontDoor(cluster.nodes, random)
    const crew = await Crew.join({
      databaseUrl: cluster.databaseUrl,
      urls: () => door.urls,
      writers: 20,
      documents: [0, 1, 2, 3].map(i => `kill/${i}`),
      random,
    })
    try {
      await crew.ready()
      crew.run(40)
      for (let round = 1; round <= rounds; round++) {
        await crew.acknowledgesMore(crew.acknowledged)
        await pause(integerBetween(random, 20, 300))
        // Now and then all of them at once: then nobody but the clients has what was not stored.
        const victims = random.next() < 0.2 ? cluster.nodes : [pick(random, cluster.nodes)]
        await Promise.all(victims.map(node => node.server.kill()))
        const { lost, invented, ...counts } = await crew.judge()
        expect({ round, lost, invented }).toEqual({ round, lost: [], invented: [] })
        process.stdout.write(`${JSON.stringify({ round, killed: victims.length, ...counts })}\n`)
        await Promise.all(victims.map(node => node.start()))
      }
      await crew.stop()
      await crew.converged()
      const { lost, invented, acknowledged } = await crew.judge()
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
      // A test that never saw an acknowledgement would prove nothing.
      expect(acknowledged).toBeGreaterThan(200)
      await until(() => cluster.nodes.every(node => node.isUp), 'nobody ended by himself')
    } finally {
      await crew.stop()
      crew.close()
      await door.close()
    }
  })
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
