/** G1, G2, G3, F5, F6, F13, F22, F23: all kinds of faults on three nodes, as a seed mixes them. */
import { expect, test } from 'vitest'
import { chaos, CHAOS_SETTINGS } from '../support/chaos.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('chaos', { binaries: ['initdb', 'redis-server'] })

test.skipIf(reason !== null)(
  `[G1] [G2] [G3] whatever fails, what was called saved is stored, and all agree; SEED=${seed}`,
  async () => {
    const cluster = await Cluster.start({ nodes: 3, settings: CHAOS_SETTINGS })
    try {
      const report = await chaos(cluster, {
        seed,
        rounds: 7,
        writers: 20,
        onRound: round => process.stdout.write(`${JSON.stringify(round)}\n`),
      })
      const { lost, invented, surprises, acknowledged, convergedAfterMs } = report
      process.stdout.write(`${acknowledged} acknowledged; agreed ${convergedAfterMs} ms later\n`)
      expect({ lost, invented, surprises }).toEqual({ lost: [], invented: [], surprises: [] })
      // A test that never saw an acknowledgement would prove nothing.
      expect(acknowledged).toBeGreaterThan(300)
    } finally {
      await cluster.remove()
    }
  },
)
