/** What is measured of several nodes. */
import { Clockwork, LoadClient } from '../load-client.ts'
import { quantile, type Figures, type Scenario } from '../scenario.ts'
import type { SubjectName } from '../subject.ts'
import { pause, typeSteadily } from '../typists.ts'
import { startCluster, type ClusterSubject } from './cluster-subject.ts'
import type { ServiceCounters } from './services.ts'

const WRITERS = 2
const RATE = 10
const WARM_UP_MS = 8_000
const MEASURE_MS = 15_000

/** Two people on two nodes write one document; a reader sits on each node. */
type Table = {
  readonly nodes: number
  /** Each types in a line of their own, or where the other one has just typed. */
  readonly at: 'own lines' | 'one spot'
}

async function measure(subject: SubjectName, table: Table): Promise<Figures> {
  const cluster = await startCluster(subject, table.nodes)
  try {
    return await oneDocument(cluster, table)
  } finally {
    await cluster.stop()
  }
}

async function oneDocument(cluster: ClusterSubject, { at }: Table): Promise<Figures> {
  const clockwork = new Clockwork()
  const open = (place: number, id: number) =>
    new LoadClient(cluster.syncUrls[place] ?? '', 'bench/nodes', {
      token: cluster.token,
      clockwork,
      id,
      place,
      follows: at === 'one spot' && id < WRITERS,
    })
  const writers = Array.from({ length: WRITERS }, (_, i) => open(i, i))
  const readers = cluster.syncUrls.map((_, place) => open(place, WRITERS + place))
  const clients = [...writers, ...readers]
  await Promise.all(clients.map(client => client.whenSynced))
  const typists = typeSteadily(writers, RATE)
  await pause(WARM_UP_MS)

  const before = await read(cluster)
  clockwork.isMeasuring = true
  const startedAt = performance.now()
  await pause(MEASURE_MS)
  const keystrokes = ((performance.now() - startedAt) / 1000) * RATE * WRITERS
  clockwork.isMeasuring = false
  const after = await read(cluster)
  typists.stop()
  for (const client of clients) client.close()
  return figures(clockwork, { keystrokes, before, after })
}

type Reading = ServiceCounters & { readonly cpuMs: number; readonly entries: number }

async function read(cluster: ClusterSubject): Promise<Reading> {
  const entries = await cluster.entries()
  return { ...(await cluster.services.counters()), entries, cpuMs: cluster.cpuMs() }
}

function figures(
  { deliveries, crossingMs, acknowledgeMs }: Clockwork,
  run: { readonly keystrokes: number; readonly before: Reading; readonly after: Reading },
): Figures {
  const grown = (field: keyof Reading) => run.after[field] - run.before[field]
  const each = (field: keyof Reading) => grown(field) / run.keystrokes
  return {
    'CPU of the nodes per delivered update, µs': (grown('cpuMs') * 1000) / deliveries,
    'CPU of Redis per delivered update, µs': (grown('redisCpuMs') * 1000) / deliveries,
    'CPU of Postgres per delivered update, µs': (grown('postgresCpuMs') * 1000) / deliveries,
    'delivered updates per keystroke': deliveries / run.keystrokes,
    'delivery to another node p50, ms': quantile(crossingMs, 0.5),
    'delivery to another node p99, ms': quantile(crossingMs, 0.99),
    'acknowledgement p50, ms': quantile(acknowledgeMs, 0.5),
    'acknowledgement p99, ms': quantile(acknowledgeMs, 0.99),
    'publishes per keystroke': each('publishes'),
    'bytes to Redis per keystroke': each('redisBytes'),
    'round trips to Postgres per keystroke': each('roundTrips'),
    'WAL of Postgres per keystroke, bytes': each('walBytes'),
    'entries per keystroke': each('entries'),
  }
}

const tables: readonly Table[] = [
  { nodes: 2, at: 'own lines' },
  { nodes: 3, at: 'own lines' },
  { nodes: 5, at: 'own lines' },
  { nodes: 2, at: 'one spot' },
]

export const nodeScenarios: readonly Scenario[] = tables.map(table => ({
  name: `${table.nodes} nodes, a document, 2 writers at 10/s in ${table.at}`,
  measure: subject => measure(subject, table),
}))
