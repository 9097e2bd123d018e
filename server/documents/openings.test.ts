/** T7: how many documents one user has open, and how fast they are read, on a whole server. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import { stockProvider, stockSocket, type StockClient } from '../testing/stock-clients.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

describe('openings', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const stocks: StockClient[] = []
  const sockets: ReturnType<typeof stockSocket>[] = []

  const start = async (settings: Record<string, string>) => {
    await server?.stop()
    server = await startTestApp({ settings })
  }
  beforeEach(() => start({}))
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    for (const stock of stocks.splice(0)) stock.destroy()
    for (const socket of sockets.splice(0)) socket.destroy()
    await server.stop()
  })

  const open = (sub: string, names: readonly string[]) => {
    const client = createClient({
      url: server.url,
      token: () => server.token(sub),
      offline: 'memory',
    })
    clients.push(client)
    return names.map(name => client.open(name))
  }
  const openStock = async (sub: string, names: readonly string[]) => {
    const socket = stockSocket(server.syncUrl)
    sockets.push(socket)
    const token = await server.token(sub)
    const opened = names.map(name => stockProvider({ url: server.syncUrl, name, token, socket }))
    stocks.push(...opened)
    return opened
  }
  const numbered = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => `d/${from + i}`)

  test('[D22] a page opens sixty documents at once, more than a socket takes', async () => {
    await start({ WEFT_MAX_LOADS_PER_SECOND: '10' })
    const handles = open('ada', numbered(60))
    await Promise.all(handles.map(handle => handle.whenSynced()))
    for (const handle of handles) handle.doc.getText('t').insert(0, 'x')
    await Promise.all(handles.map(handle => handle.whenSaved()))
    expect(await server.metric('weft_document_loads_total')).toBe(60)
    expect(await server.metric('weft_connections')).toBe(2)
    // 25 at once, then one each 100 ms: nobody was sent off, others waited.
    expect(await server.metric('weft_document_loads_delayed_total')).toBeGreaterThan(0)
  })

  test('[D22] stock providers that ask for too much at once are let in one after the other', async () => {
    await start({ WEFT_MAX_LOADS_PER_SECOND: '10' })
    const startedAt = performance.now()
    const opened = await openStock('ada', numbered(40))
    const others = await openStock('bob', numbered(5, 1_000))
    await until(() => others.every(({ provider }) => provider.isSynced), 'nobody else waits', 5_000)
    await until(() => opened.every(({ provider }) => provider.isSynced), 'all synced')
    // 25 at once, and 15 at ten a second.
    expect(performance.now() - startedAt).toBeGreaterThan(1_300)
    expect(opened.flatMap(({ failures }) => failures)).toEqual([])
  })

  test('[D22] who has enough documents open waits for room, whatever the client', async () => {
    await start({ WEFT_MAX_DOCUMENTS_PER_USER: '10' })
    const held = open('ada', numbered(8))
    await Promise.all(held.map(handle => handle.whenSynced()))
    const stock = await openStock('ada', numbered(3, 100))
    const late = open('ada', ['late'])
    await until(() => stock.filter(({ provider }) => provider.isSynced).length === 2, 'two fit')
    await until(() => late[0]?.status.kind === 'blocked', 'told')
    expect(late[0]?.status).toMatchObject({ error: { code: 'TOO_MANY_DOCUMENTS' } })
    // What is open already is not another one.
    const again = open('ada', ['d/0'])
    await again[0]?.whenSynced()
    const bob = open('bob', numbered(10, 100))
    await Promise.all(bob.map(handle => handle.whenSynced()))

    for (const handle of held.slice(1, 3)) handle.close()
    await until(() => stock.every(({ provider }) => provider.isSynced), 'the third too')
    await late[0]?.whenSynced()
    expect(stock.flatMap(({ failures }) => failures)).toEqual([])
  })

  test('[D22] requests wait in the same line, and are told when it is too long', async () => {
    await start({ WEFT_MAX_LOADS_PER_SECOND: '2' })
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const answer = await server.fetch(`/v1/documents/${name}`, { method: 'PUT' })
      expect(answer.status).toBe(201)
    }
    const read = (name: string) => server.fetch(`/v1/documents/${name}/content`)
    // Twenty more are ten seconds away, and those after them further, however slow the machine is.
    const asked = Array.from({ length: 20 }, (_, i) => read(`none-${i}`))
    const delayed = () => server.metric('weft_document_loads_delayed_total')
    await until(async () => (await delayed()) >= 10, 'wait')
    const more = Array.from({ length: 20 }, (_, i) => read(`more-${i}`))
    const refused = await Promise.any(
      more.map(async answer => {
        const { status } = await answer
        return status === 429 ? answer : Promise.reject(new Error(`${status}`))
      }),
    )
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(5)
    expect(await refused.json()).toMatchObject({ code: 'SLOW_DOWN', retryable: true })
    const elsewhere = await server.fetch('/v1/documents/a/content', { sub: 'bob' })
    expect(elsewhere.status).toBe(200)
    // In memory by now: nothing has to be read.
    expect((await read('a')).status).toBe(200)
    const [first] = await Promise.all(asked.slice(0, 2))
    expect(first?.status).toBe(404)
    // The end of the server is waited for by nobody.
    const before = await delayed()
    const last = Array.from({ length: 10 }, (_, i) =>
      server.fetch(`/v1/documents/last-${i}/content`, { sub: 'carol' }),
    )
    await until(async () => (await delayed()) >= before + 5, 'wait')
    await server.stop()
    await Promise.all(more)
    const answers = await Promise.all([...asked, ...last])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404, 503]))
  })
})
