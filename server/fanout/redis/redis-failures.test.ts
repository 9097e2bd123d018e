/** What becomes of a link when Redis stands still, moves, refuses, or loses messages. */
import { afterEach, describe, expect, test } from 'vitest'
import { missing } from '../../../e2e/support/needs.ts'
import { systemClock } from '../../../shared/clock.ts'
import { seededRandom, systemRandom } from '../../../shared/random.ts'
import { silentLog } from '../../base/log.ts'
import { redisProxy } from '../../testing/redis-proxy.ts'
import {
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  type RedisServer,
} from '../../testing/redis.ts'
import { until } from '../../testing/until.ts'
import type { Fanout } from '../fanout.ts'
import { createRedisFanout, type RedisFanoutOptions } from './redis-fanout.ts'

const isAbsent = missing('a Redis that fails', { binaries: ['redis-server', 'redis-cli'] }) !== null
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** Closed after the test, last opened first. */
async function during<T extends { close(): Promise<unknown> }>(opening: T | Promise<T>) {
  const opened = await opening
  closing.push(() => opened.close())
  return opened
}

function open(url: string, options: Partial<RedisFanoutOptions> = {}): Promise<Fanout> {
  const tools = { clock: systemClock, random: systemRandom, log: silentLog, prefix: 'test:' }
  return during(createRedisFanout({ ...tools, ...options, url }))
}

const isUp = (fanout: Fanout) => fanout.health().link === 'up'

/** Two nodes, of which the second listens on `x`. */
async function pair(urlA: string, urlB = urlA) {
  const [a, b] = [await open(urlA), await open(urlB)]
  const heard: number[] = []
  await b.subscribe('x', payload => void heard.push(payload[0] ?? -1)).ready
  await until(() => isUp(a), 'a is up')
  const say = (n: number) => a.publish('x', Uint8Array.of(n))
  /** Says it until it is heard: right after a reconnection the other node may still be on its way. */
  const untilHeard = (n: number) =>
    until(
      () => {
        say(n)
        return heard.includes(n)
      },
      `${n} is heard`,
      20_000,
    )
  return { a, b, heard, say, untilHeard }
}

/** Of this process; nothing else here has any. */
const openSockets = () =>
  process.getActiveResourcesInfo().filter(resource => resource === 'TCPSocketWrap').length

/** Connections of the fan-out, as the server sees them. */
const connections = (server: RedisServer) => server.command('client', 'list').match(/name=weft/g)

describe.skipIf(isAbsent)('a Redis that fails', () => {
  test('[F10] one that stands still is noticed within 4 seconds, and used again when it goes on', async () => {
    const redis = await during(startRedis())
    const { a, b, untilHeard } = await pair(redis.url)
    redis.freeze()
    const frozenAt = performance.now()
    await until(() => !isUp(a) && !isUp(b), 'both links are down')
    expect(performance.now() - frozenAt).toBeLessThan(4_500)
    expect(a.health().reason).toContain('no answer')
    redis.thaw()
    await until(() => isUp(a) && isUp(b), 'both are up', 10_000)
    await untilHeard(1)
  })

  test('[F5] what waits for one that stands still is bounded; publishing never waits or throws', async () => {
    const redis = await during(startRedis())
    const { a } = await pair(redis.url)
    redis.freeze()
    const payload = new Uint8Array(64 << 10)
    const startedAt = performance.now()
    for (let n = 0; n < 1_000; n++) a.publish('x', payload)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    const { published, dropped } = a.health()
    expect(published + dropped).toBe(1_000)
    expect(dropped).toBeGreaterThan(850)
    redis.thaw()
  })

  test('[F9] closing lets go of everything, whether Redis answers, stands still or is not there', async () => {
    const redis = await during(startRedis())
    const { a, b } = await pair(redis.url)
    expect(connections(redis)).toHaveLength(4)
    await a.close()
    await until(() => connections(redis)?.length === 2, 'a has left')
    redis.freeze()
    const startedAt = performance.now()
    await b.close()
    await until(() => openSockets() === 0, 'no socket is left', 500)
    const c = await open(redis.url)
    await c.close()
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    redis.thaw()
    await until(() => connections(redis) === null, 'all have left')
    await redis.kill()
    const d = await open(redis.url)
    await until(() => d.health().reason?.includes('ECONNREFUSED') === true, 'it says why')
    await d.close()
    await redis.start()
    expect(connections(redis)).toBeNull()
  })

  test('[F10] one that comes after the node is found', async () => {
    const redis = await during(startRedis())
    await redis.kill()
    const fanout = await open(redis.url)
    await until(() => fanout.health().reason?.includes('ECONNREFUSED') === true, 'it says why')
    await redis.start()
    await until(() => isUp(fanout), 'up', 5_000)
  })

  test('[F10] one that refuses says why, again and again, and is no reason to end', async () => {
    const redis = await during(startRedis({ password: 'right' }))
    const attempts: string[] = []
    const guard = <T>(attempt: () => Promise<T>) =>
      attempt().catch((error: unknown) => {
        attempts.push(String(error))
        throw error
      })
    const wrong = await open(redis.url.replace('//', '//:wrong@'), { guard })
    await until(() => attempts.length > 2, 'three attempts')
    expect(wrong.health()).toMatchObject({ link: 'down' })
    expect(wrong.health().reason).toContain('WRONGPASS')
    const right = await open(redis.url.replace('//', '//:right@'))
    await until(() => isUp(right), 'the right password is taken')
  })

  test('[F10] ten thousand channels are in place again before the link is called up', async () => {
    const redis = await during(startRedis())
    const fanout = await open(redis.url)
    await until(() => isUp(fanout), 'up')
    const names = Array.from({ length: 10_000 }, (_, n) => `acme/${n}`)
    await Promise.all(names.map(name => fanout.subscribe(name, () => {}).ready))
    const placed = () => redis.command('pubsub', 'channels').trim().split('\n').length
    expect(placed()).toBe(10_001)
    const placedWhenUp: number[] = []
    fanout.onLink(link => void (link === 'up' && placedWhenUp.push(placed())))
    redis.command('client', 'kill', 'type', 'pubsub')
    await until(() => placedWhenUp.length === 1, 'up again')
    expect(placedWhenUp).toEqual([10_001])
  })

  test('[F12] nodes of two prefixes do not hear each other', async () => {
    const redis = await during(startRedis())
    const { heard, untilHeard } = await pair(redis.url)
    const other = await open(redis.url, { prefix: 'other:' })
    await until(() => isUp(other), 'up')
    for (let n = 0; n < 10; n++) other.publish('x', Uint8Array.of(66))
    await untilHeard(1)
    expect(heard).not.toContain(66)
    expect(other.nodes()).toEqual([])
  })
})

describe.skipIf(isAbsent)('a master that fails', () => {
  test('[F13] its replica takes its place, and nobody goes back to it', async () => {
    const group = await during(startRedisSentinel({ password: 'secret', downAfterMs: 500 }))
    const { a, b, untilHeard } = await pair(group.url)
    await untilHeard(1)
    await group.master.kill()
    await until(() => !isUp(a) && !isUp(b), 'both links are down')
    await untilHeard(2)
    expect(connections(group.replica)).toHaveLength(4)
    await group.master.start()
    await untilHeard(3)
    expect(connections(group.master)).toBeNull()
  }, 60_000)

  test('[F13] one that was made a replica is left, also when its connections stay open', async () => {
    const { master, replica, ...group } = await during(
      startRedisSentinel({ password: 'secret', downAfterMs: 600_000 }),
    )
    const { a, b, untilHeard } = await pair(group.url)
    master.command('replicaof', replica.host, `${replica.port}`)
    await until(() => !isUp(a) && !isUp(b), 'both have left')
    expect(a.health().reason).toContain('this server is a slave')
    master.command('replicaof', 'no', 'one')
    await untilHeard(1)
  }, 60_000)

  test('[F13] a master of a cluster goes and comes back, and a slot moves to another one', async () => {
    const cluster = await during(startRedisCluster())
    const { a, b, untilHeard } = await pair(cluster.url)
    await untilHeard(1)
    const [first, ...others] = cluster.masters
    await first?.kill()
    await until(() => !isUp(a) && !isUp(b), 'both links are down')
    await first?.start()
    await untilHeard(2)
    await cluster.whole()
    const slot = first?.command('cluster', 'keyslot', 'test:x').trim() ?? ''
    const idOf = (master?: RedisServer) => master?.command('cluster', 'myid').trim() ?? ''
    const owner = cluster.masters.find(master => connectionsOf(master, 'test:x'))
    const target = cluster.masters.find(master => master !== owner)
    expect(others.length).toBe(2)
    for (const master of [target, owner, ...cluster.masters]) {
      master?.command('cluster', 'setslot', slot, 'node', idOf(target))
    }
    await until(() => target !== undefined && connectionsOf(target, 'test:x'), 'moved', 15_000)
    await untilHeard(3)
  }, 60_000)
})

/** Does anybody listen to this channel there? */
function connectionsOf(master: RedisServer, channel: string): boolean {
  return master.command('pubsub', 'shardchannels').includes(channel)
}

describe.skipIf(isAbsent)('the way to Redis', () => {
  test('messages that are lost are not missed by the link', async () => {
    const redis = await during(startRedis())
    const proxy = await during(redisProxy(redis, seededRandom(seed)))
    const { b, heard, say } = await pair(redis.url, proxy.url)
    proxy.lose(0.2)
    for (let n = 0; n < 1_000; n++) say(n % 250)
    await until(() => heard.length + proxy.lost >= 1_000, `all are told apart (SEED=${seed})`)
    expect(proxy.lost, `SEED=${seed}`).toBeGreaterThan(120)
    expect(proxy.lost, `SEED=${seed}`).toBeLessThan(280)
    expect(isUp(b)).toBe(true)
  })

  test('[F10] a partition that nobody is told of is noticed, and the other nodes go on', async () => {
    const redis = await during(startRedis())
    const proxy = await during(redisProxy(redis, seededRandom(seed)))
    const { a, b, untilHeard } = await pair(redis.url, proxy.url)
    proxy.silence()
    await until(() => !isUp(b), 'its link is down')
    expect(isUp(a)).toBe(true)
    proxy.restore()
    await until(() => isUp(b), 'it is up again')
    await untilHeard(1)
    proxy.cut()
    await until(() => !isUp(b), 'its link is down at once', 500)
    proxy.restore()
    await untilHeard(2)
  })

  test('[F2] a slow way keeps the order', async () => {
    const redis = await during(startRedis())
    const proxy = await during(redisProxy(redis, seededRandom(seed)))
    const { heard, say } = await pair(redis.url, proxy.url)
    proxy.delay(0, 5)
    for (let n = 0; n < 200; n++) say(n)
    await until(() => heard.length === 200, 'all arrived')
    expect(heard).toEqual(Array.from({ length: 200 }, (_, n) => n))
  })
})
