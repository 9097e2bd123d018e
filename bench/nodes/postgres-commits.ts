/** How a node on Postgres commits, at one update a second and at thousands. */
import { Clockwork, LoadClient } from '../load-client.ts'
import { quantile, type Figures, type Scenario } from '../scenario.ts'
import { pause, typeSteadily } from '../typists.ts'
import { startCluster } from './cluster-subject.ts'

const WARM_UP_MS = 8_000

type Rate = { readonly writers: number; readonly rate: number; readonly measureMs: number }

async function measure({ writers: count, rate, measureMs }: Rate): Promise<Figures> {
  const cluster = await startCluster('weft', 1)
  const [url = ''] = cluster.syncUrls
  const { token } = cluster
  try {
    const clockwork = new Clockwork()
    const writers = Array.from(
      { length: count },
      (_, id) => new LoadClient(url, `bench/${id}`, { token, clockwork, id }),
    )
    await Promise.all(writers.map(client => client.whenSynced))
    const typists = typeSteadily(writers, rate)
    await pause(WARM_UP_MS)
    const before = await read(cluster)
    clockwork.isMeasuring = true
    const startedAt = performance.now()
    await pause(measureMs)
    const seconds = (performance.now() - startedAt) / 1000
    clockwork.isMeasuring = false
    const after = await read(cluster)
    typists.stop()
    for (const client of writers) client.close()
    return {
      'updates acknowledged/s': clockwork.acknowledgeMs.length / seconds,
      'commits/s': (after.commits - before.commits) / seconds,
      'acknowledgement p50, ms': quantile(clockwork.acknowledgeMs, 0.5),
      'acknowledgement p99, ms': quantile(clockwork.acknowledgeMs, 0.99),
      'CPU of the node, % of a core': (after.cpuMs - before.cpuMs) / seconds / 10,
      'CPU of Postgres, % of a core': (after.postgresCpuMs - before.postgresCpuMs) / seconds / 10,
    }
  } finally {
    await cluster.stop()
  }
}

async function read(cluster: Awaited<ReturnType<typeof startCluster>>) {
  const [row] = await cluster.services.query(
    `SELECT coalesce(sum(calls), 0) AS n FROM pg_stat_statements WHERE query LIKE '%weft_append(%'`,
  )
  const { postgresCpuMs } = await cluster.services.counters()
  return { commits: Number(row?.['n']), postgresCpuMs, cpuMs: cluster.cpuMs() }
}

const rates: readonly Rate[] = [
  { writers: 1, rate: 1, measureMs: 40_000 },
  { writers: 10, rate: 10, measureMs: 15_000 },
  { writers: 100, rate: 50, measureMs: 15_000 },
]

export const commitScenarios: readonly Scenario[] = rates.map(rate => ({
  name: `1 of the nodes on Postgres, ${(rate.writers * rate.rate).toLocaleString('en')} updates/s`,
  subjects: ['weft'],
  measure: () => measure(rate),
}))
