import { afterEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
import { systemClock } from '../shared/clock.ts'
import { systemRandom } from '../shared/random.ts'
import { noPostgres } from './access/tokens/testing/token-stores.ts'
import { silentLog } from './base/log.ts'
import { createLocalFanout, LocalBus } from './fanout/local-fanout.ts'
import { Postgres } from './testing/postgres.ts'
import { stockProvider } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

describe('devices of one user', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const open = async (device: string, sub = 'ada') => {
    const token = await server.token(sub)
    const client = createClient({ url: server.url, token, offline: 'memory', device })
    clients.push(client)
    return client.open('a')
  }
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('the third of two is refused, others are not, and one that leaves makes room', async () => {
    server = await startTestApp({ settings: { WEFT_MAX_DEVICES_PER_USER: '2' } })
    const first = await open('laptop')
    const again = await open('laptop')
    const second = await open('phone')
    for (const handle of [first, again, second]) await handle.whenSynced()
    const third = await open('tablet')
    await until(() => third.status.kind === 'refused', 'refused')
    expect(third.status).toMatchObject({ error: { code: 'TOO_MANY_DEVICES' } })
    await (await open('elsewhere', 'bob')).whenSynced()
    const stock = stockProvider({
      url: server.syncUrl,
      name: 'a',
      token: await server.token('ada'),
    })
    await until(() => stock.closes.some(({ code }) => code === 4403), 'a stock provider is told')
    stock.destroy()
    await clients[2]?.close()
    await until(() => {
      if (third.status.kind === 'refused') third.retry()
      return third.status.kind === 'live'
    }, 'there is room')
    expect(first.status.kind).toBe('live')
  })

  test('or the oldest has to go, and does not come back by itself', async () => {
    server = await startTestApp({
      settings: { WEFT_MAX_DEVICES_PER_USER: '1', WEFT_DEVICES_WHEN_FULL: 'evict-oldest' },
    })
    const first = await open('laptop')
    await first.whenSynced()
    const second = await open('phone')
    await second.whenSynced()
    await until(() => first.status.kind === 'refused', 'sent off')
    expect(first.status).toMatchObject({ error: { code: 'TOO_MANY_DEVICES' } })
    expect(second.status.kind).toBe('live')
  })
})

test.skipIf(noPostgres)(
  'devices on two nodes count together: the newest or the oldest goes',
  async () => {
    const postgres = await Postgres.start({ fsync: 'off' })
    const tools = { clock: systemClock, random: systemRandom, log: silentLog }
    const open: { close(): Promise<unknown> }[] = []
    try {
      for (const whenFull of ['reject', 'evict-oldest']) {
        const bus = new LocalBus()
        const database = await postgres.createDatabase()
        const settings = {
          WEFT_DATABASE_URL: database,
          WEFT_MAX_DEVICES_PER_USER: '2',
          WEFT_DEVICES_WHEN_FULL: whenFull,
        }
        const start = async () => {
          const server = await startTestApp({
            settings,
            parts: { fanout: createLocalFanout({ ...tools, bus }) },
          })
          open.push({ close: () => server.stop() })
          return server
        }
        const [one, other] = [await start(), await start()]
        const enter = async (server: TestApp, device: string) => {
          const token = await server.token('ada')
          const client = createClient({ url: server.url, token, offline: 'memory', device })
          open.push(client)
          const handle = client.open('a')
          await until(() => ['live', 'refused'].includes(handle.status.kind), device)
          return handle
        }
        const laptop = await enter(one, 'laptop')
        const phone = await enter(other, 'phone')
        // The same device on another node, as after a change of nodes, is not another one.
        const again = await enter(other, 'laptop')
        const tablet = await enter(one, 'tablet')
        const leaving = whenFull === 'reject' ? [tablet] : [laptop, again]
        await until(() => leaving.every(({ status }) => status.kind === 'refused'), 'sent off')
        for (const { status } of leaving) {
          expect(status).toMatchObject({ error: { code: 'TOO_MANY_DEVICES' } })
        }
        expect(
          [phone, ...(whenFull === 'reject' ? [laptop, again] : [tablet])].map(
            one => one.status.kind,
          ),
        ).toEqual(whenFull === 'reject' ? ['live', 'live', 'live'] : ['live', 'live'])
        for (const part of open.splice(0).toReversed()) await part.close()
      }
    } finally {
      for (const part of open.toReversed()) await part.close()
      await postgres.remove()
    }
  },
)
