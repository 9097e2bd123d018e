/** G21: a server that starts anew, and everybody who comes back to it at once. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import type { DocumentHandle } from '../../client/sdk/document-handle.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { until } from '../../server/testing/until.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'

const CLIENTS = 300
const DOCUMENTS = 50
const OPEN_BY_EACH = 2

let folder: ReturnType<typeof temporaryFolder>
let server: ServerProcess
const clients: WeftClient[] = []

beforeEach(async () => {
  folder = temporaryFolder()
  server = await ServerProcess.start({ dataDir: folder.path, settings: crowded })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()))
  await server.kill()
  folder.remove()
})

/** All clients of this test have one address. */
const crowded = { WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: '1000' }

/** Asked once: the server counts its delays from one question to the next. */
async function gauges() {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const read = (name: string) => {
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
  }
  return {
    loads: read('weft_document_loads_total'),
    delayMs: read('nodejs_eventloop_lag_p99_seconds') * 1_000,
  }
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  `[G21] ${CLIENTS} clients of ${DOCUMENTS} documents, and a restart by %s`,
  async signal => {
    const handles: DocumentHandle[] = []
    for (let i = 0; i < CLIENTS; i++) {
      const client = createClient({
        url: server.url,
        token: await testToken(`user-${i}`),
        offline: 'memory',
        WebSocket,
      })
      clients.push(client)
      for (let k = 0; k < OPEN_BY_EACH; k++) {
        handles.push(client.open(`crowd/${(i * OPEN_BY_EACH + k) % DOCUMENTS}`))
      }
      // The crowd of this test is the one that comes back.
      if (i % 20 === 19) await Promise.all(handles.map(handle => handle.whenSynced()))
    }
    for (const handle of handles.slice(0, DOCUMENTS)) handle.doc.getText('t').insert(0, 'x')
    await Promise.all(handles.map(handle => handle.whenSaved()))

    const { port } = server
    await server.kill(signal)
    await until(() => handles.every(({ status }) => status.kind !== 'live'), 'all have noticed')
    const returns: number[] = []
    const startedAt = performance.now()
    for (const client of clients) {
      const stop = client.connection.subscribe(() => {
        if (client.connection.get().kind !== 'open') return
        returns.push(performance.now() - startedAt)
        stop()
      })
    }
    // Edits on top, made while nobody is there.
    for (const handle of handles.slice(0, DOCUMENTS)) handle.doc.getText('t').insert(0, 'y')
    server = await ServerProcess.start({ dataDir: folder.path, port, settings: crowded })
    await until(() => handles.every(({ status }) => status.kind === 'live'), 'all live', 30_000)
    await Promise.all(handles.map(handle => handle.whenSaved()))
    const liveAfterMs = performance.now() - startedAt

    const { loads, delayMs } = await gauges()
    // Nothing measured would prove nothing.
    expect(delayMs).toBeGreaterThan(0)
    returns.sort((a, b) => a - b)
    const [first = 0, last = 0] = [returns[0], returns.at(-1)]
    process.stdout.write(
      `${signal}: all live in ${Math.round(liveAfterMs)} ms; back between ${Math.round(first)} and ` +
        `${Math.round(last)} ms; ${loads} loads; event-loop delay p99 ${Math.round(delayMs)} ms\n`,
    )
    expect(liveAfterMs).toBeLessThan(30_000)
    expect(loads).toBe(DOCUMENTS)
    expect(delayMs).toBeLessThan(200)
    // Spread, and not in one moment: no tenth of the time sees half of them.
    expect(last - first).toBeGreaterThan(500)
    const window = (last - first) / 10
    const busiest = Math.max(
      ...returns.map(at => returns.filter(one => one >= at && one < at + window).length),
    )
    expect(busiest).toBeLessThan(CLIENTS / 2)
  },
)
