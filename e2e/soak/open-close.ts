/**
 * `npm run soak:open-close -- [--rounds 100000] [--seed n]`: opens and closes documents, through
 * the documents room and, one in fifty, through real sockets; memory must come back to where it was.
 */
import { WebSocket } from 'ws'
import { createClient } from '../../client/sdk/index.ts'
import { documentName } from '../../shared/names.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { soakOptions } from './options.ts'

type Sample = { readonly done: number; readonly heapMb: number; readonly rssMb: number }

/** Names come back: what is stored stays as large as it is. */
const NAMES = 500
const SOCKETS_SHARE = 50
const AT_ONCE = 20
const SAMPLES = 20
/** Of the last half of the run, when everything that is made once has been made. */
const HEAP_MB_PER_100K_MAX = 8
const RSS_MB_PER_100K_MAX = 40

const { rounds, seed } = soakOptions({ rounds: 100_000 })
const random = seededRandom(seed)

function sample(done: number): Sample {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const heapMb = heapUsed / 2 ** 20
  const taken = { done, heapMb: round(heapMb), rssMb: round(rss / 2 ** 20) }
  console.log(JSON.stringify(taken))
  return taken
}

const round = (value: number) => Math.round(value * 10) / 10

/** Least squares over the last half, in MB for 100,000 openings. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const half = samples.slice(Math.floor(samples.length / 2))
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length
  const x = mean(half.map(({ done }) => done))
  const y = mean(half.map(of))
  const above = half.reduce((sum, one) => sum + (one.done - x) * (of(one) - y), 0)
  const below = half.reduce((sum, { done }) => sum + (done - x) ** 2, 0)
  return below === 0 ? 0 : (above / below) * 100_000
}

async function throughTheRoom({ app }: TestApp): Promise<void> {
  const name = documentName(`soak/${integerBetween(random, 1, NAMES)}`)
  const hold = await app.documents.open(name, { by: 'soak', create: true })
  hold.release()
}

async function throughASocket(server: TestApp, token: string): Promise<void> {
  const client = createClient({
    url: server.url,
    token,
    offline: 'memory',
    WebSocket,
  })
  const handle = client.open(`soak/${integerBetween(random, 1, NAMES)}`)
  await handle.whenSynced()
  await client.close()
}

/** Runs `count` times, a few at once. Returns what memory did on the way. */
async function repeat(count: number, action: () => Promise<void>): Promise<readonly Sample[]> {
  const samples = [sample(0)]
  const every = Math.max(AT_ONCE, Math.ceil(count / SAMPLES))
  for (let done = 0; done < count;) {
    const until = Math.min(count, done + every)
    while (done < until) {
      const now = Math.min(AT_ONCE, until - done)
      await Promise.all(Array.from({ length: now }, action))
      done += now
    }
    // What was closed has to be gone before it is counted.
    await new Promise(resolve => setTimeout(resolve, 50))
    samples.push(sample(done))
  }
  return samples
}

const server = await startTestApp({
  settings: {
    WEFT_DOCUMENT_IDLE_MS: '1',
    WEFT_MAX_CONNECTIONS: '1000',
    WEFT_MAX_LOADS_PER_SECOND: '10000',
  },
})
const token = await server.token('soak', { ttl: 86_400 })
const startedAt = performance.now()
const room = await repeat(rounds, () => throughTheRoom(server))
const sockets = await repeat(Math.ceil(rounds / SOCKETS_SHARE), () => throughASocket(server, token))
await until(() => server.app.documents.liveCount === 0, 'every document has left memory', 10_000)

const slopes = {
  heap: round(slope(room, ({ heapMb }) => heapMb)),
  rss: round(slope(room, ({ rssMb }) => rssMb)),
}
/** A socket's whole life costs more noise than a document's: it is held to its end, not its slope. */
const socketsGrewMb = round((sockets.at(-1)?.heapMb ?? 0) - (sockets[2]?.heapMb ?? 0))
const isFlat =
  slopes.heap <= HEAP_MB_PER_100K_MAX && slopes.rss <= RSS_MB_PER_100K_MAX && socketsGrewMb <= 10
const tookS = round((performance.now() - startedAt) / 1000)
/** A document that was still there was not opened: most of them have to be. */
const loads = await server.metric('weft_document_loads_total')
const left = await server.stop()
const summary = { rounds, seed, tookS, loads, mbPer100k: slopes, socketsGrewMb, left }
const isSound = isFlat && left.length === 0 && loads > rounds / 2
console.log(JSON.stringify({ summary, verdict: isSound ? 'flat' : 'GROWING' }))
process.exit(isSound ? 0 : 1)
