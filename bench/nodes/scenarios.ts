/** What is measured of several nodes. */
import { Clockwork, LoadClient } from '../load-client.ts'
import { quantile, type Figures, type Scenario } from '../scenario.ts'
import type { SubjectName } from '../subject.ts'
import { pause, typeSteadily } from '../typists.ts'
import { startCluster, type ClusterSubject } from './cluster-subject.ts'
import type { ServiceCounters } from './services.ts'

const WRITERS = 2
const RATE = 10
const WARM_UP_MS = 6_000
const MEASURE_MS = 12_000

/** Two people on two nodes write a document; a reader of it sits on each node. */
type Table = {
  readonly nodes: number
  readonly documents: number
  /** Each types in a line of their own, or where the other one has just typed. */
  readonly at: 'own lines' | 'one spot'
}

async function measure(subject: SubjectName, table: Table): Promise<Figures> {
  const cluster = await startCluster(subject, table.nodes)
  try {
    return await typing(cluster, table)
  } finally {
    await cluster.stop()
  }
}

async function typing(cluster: ClusterSubject, { documents, at }: Table): Promise<Figures> {
  const clockwork = new Clockwork()
  let id = 0
  const open = (place: number, document: number, does: 'write' | 'read') =>
    new LoadClient(cluster.syncUrls[place] ?? '', `bench/nodes-${document}`, {
      token: cluster.token,
      clockwork,
      id: id++,
      place,
      follows: at === 'one spot' && does === 'write',
    })
  const numbers = Array.from({ length: documents }, (_, i) => i)
  const places = cluster.syncUrls.map((_, place) => place)
  const writers = numbers.flatMap(document =>
    Array.from({ length: WRITERS }, (_, i) =>
      open((document + i) % places.length, document, 'write'),
    ),
  )
  const readers = numbers.flatMap(document => places.map(place => open(place, document, 'read')))
  const clients = [...writers, ...readers]
  await Promise.all(clients.map(client => client.whenSynced))
  const typists = typeSteadily(writers, RATE)
  await pause(WARM_UP_MS)

  const before = await read(cluster)
  clockwork.isMeasuring = true
  const startedAt = performance.now()
  await pause(MEASURE_MS)
  const keystrokes = ((performance.now() - startedAt) / 1000) * RATE * writers.length
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
  { nodes: 2, documents: 1, at: 'own lines' },
  { nodes: 3, documents: 1, at: 'own lines' },
  { nodes: 5, documents: 1, at: 'own lines' },
  { nodes: 2, documents: 1, at: 'one spot' },
  { nodes: 3, documents: 10, at: 'own lines' },
]

const titleOf = ({ nodes, documents, at }: Table) =>
  `${nodes} nodes, ${documents === 1 ? '1 document' : `${documents} documents`} of 2 writers in ${at}`

export const nodeScenarios: readonly Scenario[] = tables.map(table => ({
  name: titleOf(table),
  measure: subject => measure(subject, table),
}))
