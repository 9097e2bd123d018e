import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe } from 'vitest'
import { missing } from '../../../e2e/support/needs.ts'
import { assert } from '../../../shared/assert.ts'
import { systemClock } from '../../../shared/clock.ts'
import { systemRandom } from '../../../shared/random.ts'
import { silentLog } from '../../base/log.ts'
import {
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
} from '../../testing/redis.ts'
import { fanoutContract, type FanoutHarness } from '../fanout.contract.ts'
import { NodeFanout } from '../node-fanout.ts'
import { parseRedisUrl } from './redis-address.ts'
import { RedisCarrier } from './redis-carrier.ts'

const PREFIX = 'test:'
const tools = { clock: systemClock, random: systemRandom, log: silentLog, prefix: PREFIX }

const isAbsent =
  missing('the fan-out over Redis', { binaries: ['redis-server', 'redis-cli'] }) !== null

type Parts = {
  readonly url: string
  readonly servers: readonly RedisServer[]
  readonly publish: (channel: string, bytes: Buffer) => Promise<unknown>
  readonly end: () => void
  readonly whole?: () => Promise<void>
}

function harness({ url, servers, publish, end, whole }: Parts): FanoutHarness {
  const address = parseRedisUrl(url)
  assert(address !== undefined, url)
  return {
    // Heartbeats may go by a clock of the test; Redis itself lives in real time.
    open: options =>
      new NodeFanout(new RedisCarrier({ ...tools, address }), { ...tools, ...options }),
    async inject(channel, bytes) {
      await publish(PREFIX + channel, Buffer.from(bytes))
    },
    async fail() {
      await Promise.all(servers.map(server => server.kill()))
    },
    async restore() {
      await Promise.all(servers.map(server => server.start()))
      await whole?.()
    },
    close: async () => end(),
  }
}

describe.skipIf(isAbsent)('over Redis', () => {
  let single: RedisServer
  let cluster: RedisCluster
  let sentinel: RedisSentinel
  beforeAll(async () => {
    single = await startRedis()
    cluster = await startRedisCluster()
    // It leaves the master alone: what a failover does is told in redis-failover.test.ts.
    sentinel = await startRedisSentinel({ password: 'a:b@c', downAfterMs: 600_000 })
  }, 60_000)
  afterAll(() => Promise.all([single.close(), cluster.close(), sentinel.close()]))

  fanoutContract('redis (single)', async () => {
    const { host, port, url } = single
    const stranger = new Redis({ host, port, enableAutoPipelining: true })
    stranger.on('error', () => {})
    const publish = (channel: string, bytes: Buffer) => stranger.publish(channel, bytes)
    return harness({ url, servers: [single], publish, end: () => stranger.disconnect() })
  })

  fanoutContract('redis (cluster)', async () => {
    const { masters, url } = cluster
    const stranger = new Cluster([...masters], { enableAutoPipelining: true })
    stranger.on('error', () => {})
    const publish = (channel: string, bytes: Buffer) => stranger.spublish(channel, bytes)
    return harness({
      url,
      servers: masters,
      publish,
      end: () => stranger.disconnect(),
      whole: () => cluster.whole(),
    })
  })

  fanoutContract('redis (sentinel)', async () => {
    const { master, replica, url, password } = sentinel
    const { host, port } = master
    const stranger = new Redis({ host, port, password, enableAutoPipelining: true })
    stranger.on('error', () => {})
    const publish = (channel: string, bytes: Buffer) => stranger.publish(channel, bytes)
    return harness({ url, servers: [master, replica], publish, end: () => stranger.disconnect() })
  })
})
