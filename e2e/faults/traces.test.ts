/** Real editing, replayed through the whole system: inputs that nobody here made up. */
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient } from '../../client/sdk/index.ts'
import type { SocketConstructor } from '../../client/sdk/socket.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { stockProvider, stockYProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { readDocument } from '../support/independent-reader.ts'
import { replay } from '../support/replay-trace.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'
import { TraceAuthor } from '../support/trace-author.ts'
import { loadConcurrent, loadSequential } from '../support/traces.ts'

const socket = WebSocket as unknown as SocketConstructor

test('two authors with forks, merges and offline parts, the server killed on the way', async () => {
  const { trace, origin } = loadConcurrent('friendsforever')
  const folder = temporaryFolder()
  let server = await ServerProcess.start({ dataDir: folder.path })
  const document = 'traces/friends'
  const create = async (clientId: number) => {
    const token = await testToken(`author-${clientId}`)
    const { url } = server
    return TraceAuthor.create({ url, token, document, clientId, offline: 'memory', socket })
  }
  const authors = [await create(1), await create(2)] as const
  const report = await replay({
    trace,
    authors,
    clientIds: [1, 2],
    offlineParts: 40,
    kills: 4,
    killServer: async () => {
      const { port } = server
      await server.kill()
      server = await ServerProcess.start({ dataDir: folder.path, port })
    },
  })
  process.stdout.write(`${origin}: ${JSON.stringify(report)}\n`)
  expect(report.kills).toBe(4)
  expect(report.offlineParts).toBeGreaterThanOrEqual(5)
  await Promise.all(authors.map(author => author.whenSaved()))
  for (const author of authors) {
    await until(async () => (await author.text()) === trace.endContent, 'the recorded text')
  }
  await Promise.all(authors.map(author => author.close()))
  await server.kill()
  expect(readDocument(folder.path, document)?.doc.getText('text').toString()).toBe(trace.endContent)
  folder.remove()
})

test('one author types live while five read', async () => {
  const { trace, origin } = loadSequential('seph-blog1')
  const folder = temporaryFolder()
  const server = await ServerProcess.start({ dataDir: folder.path })
  const document = 'traces/blog'
  const token = await testToken('reader')
  const clients = [1, 2].map(() =>
    createClient({ url: server.url, token, offline: 'memory', WebSocket: socket }),
  )
  const handles = clients.map(client => client.open(document))
  const stock = [1, 2].map(() => stockProvider({ url: server.syncUrl, name: document, token }))
  const yProvider = stockYProvider({ url: server.yUrl, name: document, token })
  const writer = createClient({
    url: server.url,
    token: await testToken('writer'),
    offline: 'memory',
    WebSocket: socket,
  })
  const handle = writer.open(document)
  await handle.whenSynced()
  const text = handle.doc.getText('text')
  text.insert(0, trace.startContent)
  const startedAt = performance.now()
  for (const [i, { patches }] of trace.txns.entries()) {
    handle.doc.transact(() => {
      for (const [position, deleted, inserted] of patches) {
        if (deleted > 0) text.delete(position, deleted)
        if (inserted !== '') text.insert(position, inserted)
      }
    })
    // Each transaction is an update of its own; now and then the others get their turn.
    await Promise.resolve()
    await Promise.resolve()
    if (i % 50 === 0) await new Promise(resolve => setImmediate(resolve))
    while (handle.state.get().unsaved > 2_000) await new Promise(resolve => setTimeout(resolve, 1))
  }
  await handle.whenSaved()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${origin}: ${trace.txns.length} edits typed and saved in ${seconds} s\n`)
  expect(text.toString()).toBe(trace.endContent)
  const readers = [
    ...handles.map(({ doc }) => doc),
    ...stock.map(({ doc }) => doc),
    yProvider.doc,
  ].map(doc => doc.getText('text'))
  await until(() => readers.every(one => one.toString() === trace.endContent), 'all equal', 60_000)
  for (const client of [...stock, yProvider]) client.destroy()
  await Promise.all([...clients, writer].map(client => client.close()))
  expect(await server.kill('SIGTERM')).toBe(0)
  const stored = readDocument(folder.path, document)
  expect(stored?.doc.getText('text').toString()).toBe(trace.endContent)
  expect(stored?.entries).toBeGreaterThan(trace.txns.length * 0.9)
  folder.remove()
})
