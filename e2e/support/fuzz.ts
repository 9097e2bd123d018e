/** Mutated frames against a running server, with somebody who works beside it all the while. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { stockProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { FrameSource, mutate, type Door } from './fuzz-frames.ts'
import { residentBytes } from './memory.ts'
import { testToken, type LogLine, type ServerProcess } from './server-process.ts'
import { STALL, type Stall } from './stall-watch.ts'

export type FuzzReport = {
  readonly frames: number
  readonly seed: number
  readonly tookS: number
  /** Sockets that the server closed on the way. */
  readonly closed: number
  /** Event-loop delay of the server: the longest of each batch; of those the largest and the middle. */
  readonly stallMsMax: number
  readonly stallMsMedian: number
  /** The longest ones, and where their time went; empty when the server is not watched. */
  readonly stalls: readonly Stall[]
  /** After everybody left, against what it was before. */
  readonly heapGrewMb: number
  readonly rssGrewMb: number
  readonly refused: number
  readonly unexpected: number
  readonly bystanderEdits: number
  readonly alive: boolean
}

export type FuzzOptions = {
  readonly server: ServerProcess
  readonly frames: number
  readonly seed: number
  readonly onBatch?: (done: number) => void
}

const doors: readonly Door[] = ['sync', 'sync', 'sync', 'y']
const BATCH = 2_000
/** A document that was fuzzed for so long is left for a new one, or it would only grow. */
const FRAMES_PER_DOCUMENT = 5_000

type Lane = { readonly send: () => Promise<void>; readonly close: () => void }
type Count = { closed: number }

export async function fuzz({ server, frames, seed, onBatch }: FuzzOptions): Promise<FuzzReport> {
  const random = seededRandom(seed)
  const token = await testToken('fuzz', { ttl: 86_400 })
  const bystander = stockProvider({ url: server.syncUrl, name: 'bystander', token })
  const work = async () => {
    bystander.text.insert(0, 'x')
    await until(
      () => bystander.provider.isSynced && !bystander.provider.hasUnsyncedChanges,
      'acked',
    )
  }
  const count: Count = { closed: 0 }
  const open = (door: Door, document: number): Lane => {
    const address = `f${String(document).padStart(5, '0')}`
    const own = seededRandom(integerBetween(random, 1, 2 ** 31))
    return createLane({ server, door, address, token, random: own, count })
  }
  await work()
  const before = { ...(await gauges(server)), rss: residentBytes(server.process.pid ?? 0) }
  const startedAt = performance.now()
  // The start of a server is no stall of its loop.
  const linesBefore = server.log.length
  const stalls: number[] = []
  let [document, edits] = [0, 0]
  let lanes: Lane[] = []
  for (let done = 0; done < frames && !server.hasEnded; done += BATCH) {
    if (done % FRAMES_PER_DOCUMENT < BATCH) {
      for (const lane of lanes) lane.close()
      lanes = doors.map(door => open(door, (document += 1)))
    }
    for (let i = 0; i < BATCH / lanes.length; i++) for (const lane of lanes) await lane.send()
    await work()
    edits += 1
    stalls.push((await gauges(server)).stall)
    onBatch?.(done + BATCH)
  }
  for (const lane of lanes) lane.close()
  // Everybody has left: so do the documents, and what they held.
  await new Promise(resolve => setTimeout(resolve, 1_500))
  await work()
  const after = await gauges(server)
  const isWhole = bystander.text.length === edits + 2 && bystander.closes.length === 0
  bystander.destroy()
  return {
    frames,
    seed,
    tookS: round((performance.now() - startedAt) / 1_000),
    closed: count.closed,
    stallMsMax: round(Math.max(...stalls)),
    stallMsMedian: round(stalls.toSorted((a, b) => a - b)[stalls.length >> 1] ?? 0),
    stalls: longestStalls(server.log.slice(linesBefore)),
    heapGrewMb: round((after.heap - before.heap) / 2 ** 20),
    rssGrewMb: round((residentBytes(server.process.pid ?? 0) - before.rss) / 2 ** 20),
    refused: after.refused,
    unexpected: after.unexpected,
    bystanderEdits: edits,
    alive: !server.hasEnded && isWhole,
  }
}

type LaneOptions = {
  readonly server: ServerProcess
  readonly door: Door
  readonly address: string
  readonly token: string
  readonly random: ReturnType<typeof seededRandom>
  readonly count: Count
}

/** One socket that is opened again whenever the server has had enough of it. */
function createLane({ server, door, address, token, random, count }: LaneOptions): Lane {
  const source = new FrameSource(address, door, { random, token })
  const url = door === 'sync' ? server.syncUrl : `${server.yUrl}/${address}?token=${token}`
  const head = door === 'sync' ? 1 + address.length : 0
  let socket: WebSocket | undefined
  let sent = 0
  const connect = async () => {
    socket = new WebSocket(url)
    socket.on('error', () => {})
    socket.once('close', () => (count.closed += 1))
    await Promise.race([once(socket, 'open'), once(socket, 'close')])
    if (socket.readyState !== WebSocket.OPEN) return
    for (const frame of source.greeting()) socket.send(frame)
  }
  return {
    async send() {
      if (socket?.readyState !== WebSocket.OPEN) await connect()
      if (socket?.readyState !== WebSocket.OPEN) return
      // A frame may have ended the document, and what follows it would be nobody's.
      if ((sent += 1) % 25 === 0) for (const frame of source.greeting()) socket.send(frame)
      const frame = source.next()
      socket.send(random.next() < 0.1 ? frame : mutate(frame, random, head))
      if (socket.bufferedAmount > 1 << 20) {
        await until(() => (socket?.bufferedAmount ?? 0) < 1 << 16, 'sent')
      } else if (random.next() < 0.02) await new Promise(resolve => setImmediate(resolve))
    },
    close: () => socket?.terminate(),
  }
}

/** What the server says of itself; its delays are those since it was last asked. */
async function gauges({ url }: ServerProcess) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const read = (name: string) => {
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
  }
  return {
    stall: read('nodejs_eventloop_lag_max_seconds') * 1_000,
    heap: read('nodejs_heap_size_used_bytes'),
    refused: read('weft_refusals_total'),
    unexpected: read('weft_unexpected_total'),
  }
}

function longestStalls(log: readonly LogLine[]): readonly Stall[] {
  return log
    .filter(({ msg }) => msg === STALL)
    .map(({ ms, waitedMs, gcMs, cpuMs }) => ({ ms, waitedMs, gcMs, cpuMs }) as Stall)
    .toSorted((a, b) => b.cpuMs - a.cpuMs)
    .slice(0, 10)
}

const round = (value: number) => Math.round(value * 10) / 10
