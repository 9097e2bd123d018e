/** A server that starts anew, and everybody who comes back to it at once. */
import { WebSocket } from 'ws'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import type { DocumentHandle } from '../../client/sdk/document-handle.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { until } from '../../server/testing/until.ts'
import { ServerProcess, testToken } from './server-process.ts'

export type CrowdOptions = {
  readonly clients: number
  readonly documents: number
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

export type CrowdReport = CrowdOptions & {
  readonly liveAfterMs: number
  /** When the first and the last of their sockets were open again. */
  readonly firstMs: number
  readonly lastMs: number
  /** The most that came back within any tenth of that time. */
  readonly busiest: number
  readonly loads: number
  /** Of the event loop, since the start. */
  readonly delayP99Ms: number
}

const OPEN_BY_EACH = 2
/** All clients have one address. */
const settings = {
  WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: '1000',
}

export async function restartCrowd(options: CrowdOptions): Promise<CrowdReport> {
  const folder = temporaryFolder()
  let server = await ServerProcess.start({ dataDir: folder.path, settings })
  const clients: WeftClient[] = []
  try {
    const handles = await gather(server, options, clients)
    const { port } = server
    await server.kill(options.signal)
    await until(() => handles.every(({ status }) => status.kind !== 'live'), 'all have noticed')
    const returns = watchReturns(clients)
    const startedAt = performance.now()
    // Edits on top, made while nobody is there.
    for (const handle of handles.slice(0, options.documents)) {
      handle.doc.getText('t').insert(0, 'y')
    }
    server = await ServerProcess.start({ dataDir: folder.path, port, settings })
    await until(() => handles.every(({ status }) => status.kind === 'live'), 'all live', 60_000)
    await Promise.all(handles.map(handle => handle.whenSaved()))
    const liveAfterMs = Math.round(performance.now() - startedAt)
    return { ...options, liveAfterMs, ...spreadOf(returns), ...(await gauges(server)) }
  } finally {
    await Promise.all(clients.map(client => client.close()))
    await server.kill()
    folder.remove()
  }
}

/** Lets them in twenty at a time: the crowd is the one that comes back. */
async function gather(
  server: ServerProcess,
  { clients: count, documents }: CrowdOptions,
  clients: WeftClient[],
): Promise<readonly DocumentHandle[]> {
  const handles: DocumentHandle[] = []
  for (let i = 0; i < count; i++) {
    const token = await testToken(`user-${i}`)
    const client = createClient({ url: server.url, token, offline: 'memory', WebSocket })
    clients.push(client)
    for (let k = 0; k < OPEN_BY_EACH; k++) {
      handles.push(client.open(`crowd/${(i * OPEN_BY_EACH + k) % documents}`))
    }
    if (i % 20 === 19) await Promise.all(handles.map(handle => handle.whenSynced()))
  }
  await Promise.all(handles.map(handle => handle.whenSynced()))
  for (const handle of handles.slice(0, documents)) handle.doc.getText('t').insert(0, 'x')
  await Promise.all(handles.map(handle => handle.whenSaved()))
  return handles
}

/** Fills up as they come back, in ms from now. */
function watchReturns(clients: readonly WeftClient[]): readonly number[] {
  const returns: number[] = []
  const startedAt = performance.now()
  for (const client of clients) {
    const stop = client.connection.subscribe(() => {
      if (client.connection.get().kind !== 'open') return
      returns.push(performance.now() - startedAt)
      stop()
    })
  }
  return returns
}

function spreadOf(returns: readonly number[]) {
  const sorted = returns.toSorted((a, b) => a - b)
  const [first = 0, last = 0] = [sorted[0], sorted.at(-1)]
  const window = (last - first) / 10
  const busiest = Math.max(
    ...sorted.map(at => sorted.filter(one => one >= at && one < at + window).length),
  )
  return { firstMs: Math.round(first), lastMs: Math.round(last), busiest }
}

/** Asked once: the server counts its delays from one question to the next. */
async function gauges({ url }: ServerProcess) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const read = (name: string) => {
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
  }
  return {
    loads: read('weft_document_loads_total'),
    delayP99Ms: Math.round(read('nodejs_eventloop_lag_p99_seconds') * 1_000),
  }
}
