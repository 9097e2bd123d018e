/** A whole server whose fan-out is on its good and bad days. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import { systemClock } from '../shared/clock.ts'
import { systemRandom } from '../shared/random.ts'
import { silentLog } from './base/log.ts'
import { createRedisFanout } from './fanout/redis/redis-fanout.ts'
import { startRedis, type RedisServer } from './testing/redis.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const tools = { clock: systemClock, random: systemRandom, log: silentLog, prefix: 'weft:' }

const isAbsent =
  missing('a server and its Redis', { binaries: ['redis-server', 'redis-cli'] }) !== null

type Health = {
  readonly status: string
  readonly dependencies: Readonly<Record<string, { readonly [detail: string]: unknown }>>
}

describe.skipIf(isAbsent)('a server and its fan-out', () => {
  let redis: RedisServer
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(() => redis.close())

  const start = () =>
    startTestApp({ parts: { fanout: createRedisFanout({ ...tools, url: redis.url }) } })
  const ready = async (server: TestApp) => {
    const response = await fetch(`${server.url}/readyz`)
    return { status: response.status, body: (await response.json()) as Health }
  }

  test('without Redis it is degraded and ready, and makes edits durable', async () => {
    const server = await start()
    await until(async () => (await ready(server)).body.status === 'ok', 'well')
    expect(await server.metric('weft_fanout_link')).toBe(1)
    await redis.kill()
    await until(async () => (await server.metric('weft_fanout_link')) === 0, 'noticed')
    const { status, body } = await ready(server)
    expect(status).toBe(200)
    expect(body.status).toBe('degraded')
    expect(body.dependencies['fanout']).toMatchObject({
      status: 'degraded',
      link: 'down',
      nodes: 1,
    })
    expect(body.dependencies['journal']).toMatchObject({ status: 'ok' })
    const edit = await server.fetch('/v1/documents/acme%2Fplan', { method: 'PUT' })
    expect(edit.status).toBe(201)
    await redis.start()
    await until(async () => (await ready(server)).body.status === 'ok', 'well again')
    await server.stop()
    expect(redis.command('client', 'list')).not.toContain('name=weft')
  })

  test('two servers know each other, until one of them stops', async () => {
    const [one, other] = [await start(), await start()]
    const nodes = async () => (await ready(one)).body.dependencies['fanout']?.['nodes']
    await until(async () => (await nodes()) === 2, 'two nodes')
    await other.stop()
    await until(async () => (await nodes()) === 1, 'it said goodbye', 1_000)
    await one.stop()
  })

  test('a single server is well by itself', async () => {
    const server = await startTestApp()
    const { body } = await ready(server)
    expect(body.dependencies['fanout']).toMatchObject({ status: 'ok', link: 'up', nodes: 1 })
    await server.stop()
  })
})
