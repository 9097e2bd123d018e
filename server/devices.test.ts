import { afterEach, describe, expect, test } from 'vitest'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
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
