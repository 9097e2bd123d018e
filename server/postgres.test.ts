/** The whole server on Postgres: what SQLite does, and more than one of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import { Postgres } from './testing/postgres.ts'
import { runWeft as weft } from './testing/run-weft.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const isAbsent = missing('servers on Postgres', { binaries: ['initdb', 'postgres'] }) !== null

describe.skipIf(isAbsent)('servers on Postgres', () => {
  let postgres: Postgres
  let url: string
  const servers: TestApp[] = []
  const clients: StockClient[] = []
  const start = async (settings: Readonly<Record<string, string>> = {}) => {
    const database = { WEFT_DATABASE_URL: url, WEFT_DATABASE_TIMEOUT_MS: '1000' }
    const server = await startTestApp({ settings: { ...database, ...settings } })
    servers.push(server)
    return server
  }
  const enter = async (server: TestApp) => {
    const token = await server.token('ada')
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const saved = ({ provider }: StockClient) =>
    until(() => !provider.hasUnsyncedChanges, 'acknowledged', 15_000)

  beforeAll(async () => {
    postgres = await Postgres.start()
  })
  afterAll(() => postgres.remove())
  beforeEach(async () => {
    url = await postgres.createDatabase()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const server of servers.splice(0)) await server.stop()
  })

  test('start together on an empty database, and a document goes from one to the next', async () => {
    const [first, second] = await Promise.all([start(), start(), start()])
    const writer = await enter(first)
    writer.text.insert(0, 'Hello')
    await saved(writer)
    writer.destroy()
    const reader = await enter(second)
    expect(reader.text.toString()).toBe('Hello')
    const health = (await (await second.fetch('/healthz')).json()) as object
    expect(health).toMatchObject({ dependencies: { journal: { status: 'ok' } } })
  })

  test('inspect and repair look at it from outside, while a server runs', async () => {
    const server = await start()
    const writer = await enter(server)
    writer.text.insert(0, 'Hello')
    await saved(writer)
    writer.destroy()
    const sound = await weft({ WEFT_DATABASE_URL: url }, 'inspect', 'a')
    expect(sound).toMatchObject({ code: 0, out: expect.stringContaining('by ada') as unknown })
    expect(await weft({ WEFT_DATABASE_URL: url }, 'inspect', 'b')).toMatchObject({ code: 66 })
    await postgres.query(url, `UPDATE entries SET author = 'eve' WHERE seq = 1`)
    const found = await weft({ WEFT_DATABASE_URL: url }, 'inspect', 'a')
    expect(found).toMatchObject({ code: 1 })
    expect(found.out).toContain('entry 1 fails its checksum')
    const repaired = await weft({ WEFT_DATABASE_URL: url }, 'repair', 'a')
    expect(repaired).toMatchObject({ code: 0 })
    expect(repaired.out).toContain('repaired     a opens again')
    const after = await weft({ WEFT_DATABASE_URL: url }, 'inspect', 'a')
    expect(after.out).toContain('bypassed     entry 1 fails its checksum')
    expect(after.out).toContain('damage       none: the document opens')
    expect(after.code).toBe(0)
  })

  test('the database is away: not saved and said so, and saved when it is back', async () => {
    const server = await start({ WEFT_NOT_SAVING_AFTER_MS: '500' })
    const writer = await enter(server)
    writer.text.insert(0, 'before ')
    await saved(writer)
    await postgres.stop('immediate')
    writer.text.insert(0, 'during ')
    const isDown = async () => (await server.fetch('/readyz')).status === 503
    await until(isDown, 'not ready')
    expect(writer.provider.hasUnsyncedChanges).toBe(true)
    await postgres.start()
    await saved(writer)
    const content = await server.fetch('/v1/documents/a/content')
    expect(await content.json()).toMatchObject({ content: { text: 'during before ' } })
  })

  test('a server that nobody uses notices too, within five seconds, and when it is back', async () => {
    const server = await start({ WEFT_DATABASE_TIMEOUT_MS: '2000' })
    const status = async () => (await server.fetch('/readyz')).status
    expect(await status()).toBe(200)
    const faults = [
      { begin: () => postgres.stop('immediate'), end: () => postgres.start() },
      {
        begin: async () => postgres.hold('SIGSTOP'),
        end: async () => postgres.hold('SIGCONT'),
      },
    ]
    for (const { begin, end } of faults) {
      await begin()
      await until(async () => (await status()) === 503, 'not ready', 5_000)
      await end()
      await until(async () => (await status()) === 200, 'ready again')
    }
  })

  test('the database is away for good: the end takes its time, and no longer', async () => {
    const server = await start()
    const writer = await enter(server)
    await postgres.stop('immediate')
    writer.text.insert(0, 'lost to this server, kept by its author')
    await until(() => server.app.documents.unsaved.documents > 0, 'it is here')
    const startedAt = performance.now()
    servers.length = 0
    expect(await server.stop()).toEqual([expect.stringMatching(/a: 1 edits are not stored/)])
    expect(performance.now() - startedAt).toBeLessThan(9_000)
    await postgres.start()
  })
})
