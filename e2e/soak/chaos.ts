/**
 * `npm run soak:chaos -- --minutes 15 [--seed n]`: three nodes, Postgres and Redis fail in all ways
 * under 20 writers. Every ten rounds all replicas have to agree, and a new crew begins.
 */
import { chaos, CHAOS_SETTINGS } from '../support/chaos.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { finish, soakOptions } from './options.ts'

if (missing('chaos', { binaries: ['initdb', 'redis-server'] }) !== null) process.exit(1)
const { minutes, seed } = soakOptions({ minutes: 15 })
const end = performance.now() + minutes * 60_000
const cluster = await Cluster.start({ nodes: 3, settings: CHAOS_SETTINGS })
const total = { rounds: 0, acknowledged: 0, convergedAfterMsMax: 0 }
const bad = { lost: new Array<string>(), invented: new Array<string>() }
const surprises = new Set<string>()
let failure: unknown
try {
  for (let i = 0; performance.now() < end && failure === undefined; i++) {
    const report = await chaos(cluster, {
      seed: seed + i,
      rounds: 10,
      writers: 20,
      onRound: round => console.log(JSON.stringify({ seed: seed + i, ...round })),
    })
    console.log(JSON.stringify({ seed: seed + i, ...report, rounds: report.rounds.length }))
    total.rounds += report.rounds.length
    total.acknowledged += report.acknowledged
    total.convergedAfterMsMax = Math.max(total.convergedAfterMsMax, report.convergedAfterMs)
    bad.lost.push(...report.lost)
    bad.invented.push(...report.invented)
    for (const surprise of report.surprises) surprises.add(surprise)
  }
} catch (error) {
  failure = error
  console.error(error)
  for (const { id, server } of cluster.nodes) {
    for (const line of server.log.slice(-40)) console.error(`node ${id}: ${JSON.stringify(line)}`)
  }
} finally {
  await cluster.remove()
}
const isSound = failure === undefined && surprises.size === 0
finish({ seed, ...total, ...bad, surprises: [...surprises] }, isSound)
