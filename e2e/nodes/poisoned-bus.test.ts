/** F7, T28: somebody who reaches the bus says 10,000 wrong things on every channel of a document. */
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { mutate } from '../support/fuzz-frames.ts'
import { missing } from '../support/needs.ts'
import { fingerprint } from '../support/oracle.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { testToken } from '../support/server-process.ts'

const MESSAGES = 10_000
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('a poisoned bus', { binaries: ['initdb', 'redis-server'] })
const channels = ['control', 'fanout:nodes', 'doc:poison/victim', 'here:poison/victim'].map(
  channel => `weft:${channel}`,
)

describe.skipIf(reason !== null).each(['without', 'with'])('a poisoned bus, %s a secret', kind => {
  let cluster: Cluster
  let stranger: Redis
  const clients: StockClient[] = []

  beforeEach(async () => {
    const settings: Record<string, string> =
      kind === 'with' ? { WEFT_REDIS_SECRET: 'a secret of all nodes, long enough' } : {}
    cluster = await Cluster.start({ nodes: 2, settings, postgres: { fsync: 'off' } })
    stranger = new Redis(cluster.redis!.port, '127.0.0.1', { enableAutoPipelining: true })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    stranger.disconnect()
    await cluster.remove()
  })

  const total = async (metric: string) => {
    const counts = await Promise.all(cluster.nodes.map(node => node.metric(metric)))
    return counts.reduce((sum, count) => sum + count, 0)
  }
  const openOnBoth = async (name: string) => {
    const opened: StockClient[] = []
    for (const { urls } of cluster.nodes) {
      const token = await testToken(`user-${opened.length}`)
      opened.push(stockProvider({ url: urls.syncUrl, name, token }))
    }
    clients.push(...opened)
    await until(() => opened.every(isQuiet), 'synced')
    return opened
  }
  const isQuiet = ({ provider }: StockClient) => provider.isSynced && !provider.hasUnsyncedChanges

  /** What the nodes really say while people work: the best poison is made of it. */
  const overhear = async (victims: readonly StockClient[]) => {
    const heard: [string, Buffer][] = []
    const listener = stranger.duplicate()
    listener.on('messageBuffer', (channel: Buffer, bytes: Buffer) => {
      heard.push([channel.toString(), bytes])
    })
    await listener.subscribe(...channels)
    for (let i = 0; i < 40; i++) {
      const client = victims[i % 2]!
      client.text.insert(0, `word ${i} `)
      client.provider.setAwarenessField('cursor', i)
      await until(() => isQuiet(client), 'acknowledged')
    }
    const ended = await fetch(`${cluster.node(0).urls.url}/v1/admin/disconnect`, {
      method: 'POST',
      body: JSON.stringify({ document: 'another/document' }),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await testToken('root', { grants: [{ resource: '**', role: 'admin' }] })}`,
      },
    })
    expect(ended.status).toBe(200)
    const isComplete = () => channels.every(one => heard.some(([channel]) => channel === one))
    await until(isComplete, 'something is heard on all channels')
    listener.disconnect()
    return heard
  }

  /** Both see what one of them does, and it is stored. */
  const goesOn = async (name: string, [one, other]: readonly StockClient[]) => {
    one!.doc.getArray('tokens').push([`${name} goes on`])
    const { length } = one!.doc.getArray('tokens')
    await until(() => other!.doc.getArray('tokens').length === length, `${name} goes on`)
    await until(() => isQuiet(one!) && isQuiet(other!), 'acknowledged')
    expect(fingerprint(one!.doc)).toBe(fingerprint(other!.doc))
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(fingerprint(stored!.doc)).toBe(fingerprint(one!.doc))
  }

  test(`[F7] [T28] nobody falls, all is counted, others go on; SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const victims = await openOnBoth('poison/victim')
    const bystanders = await openOnBoth('poison/bystander')
    const heard = await overhear(victims)
    await until(() => fingerprint(victims[0]!.doc) === fingerprint(victims[1]!.doc), 'equal')
    const before = fingerprint(victims[0]!.doc)
    const counters = ['weft_fanout_rejected_total', 'weft_node_messages_refused_total'] as const
    const counted = await Promise.all(counters.map(total))

    for (let sent = 0; sent < MESSAGES; sent += 500) {
      await Promise.all(Array.from({ length: 500 }, () => publish(stranger, heard, random)))
    }
    // Behind the last of them, so that all have been heard.
    await goesOn('poison/bystander', bystanders)
    const [rejected = 0, refused = 0] = (await Promise.all(counters.map(total))).map(
      (count, i) => count - counted[i]!,
    )
    process.stdout.write(`${kind} a secret: ${rejected} rejected, ${refused} refused\n`)
    expect(cluster.nodes.map(node => node.isUp)).toEqual([true, true])
    if (kind === 'with') {
      // Each of the nodes, each message; what is said again as it was is an old truth.
      expect(rejected).toBeGreaterThan(1.95 * MESSAGES)
      expect(refused).toBe(0)
      expect(victims.map(({ doc }) => fingerprint(doc))).toEqual([before, before])
      await goesOn('poison/victim', victims)
      expect(await total('weft_unexpected_errors_total')).toBe(0)
    } else {
      // Some of it is a good edit that nobody made: whoever reaches the bus of nodes without a
      // secret can write. Nodes that hold different things read the document anew.
      expect(rejected).toBeGreaterThan(MESSAGES)
      expect(refused).toBeGreaterThan(0)
      const newcomers = await openOnBoth('poison/victim')
      newcomers[0]!.doc.getMap('map').set('late', seed)
      await until(() => isQuiet(newcomers[0]!), 'saved')
      const stored = await readFromPostgres(cluster.databaseUrl, 'poison/victim')
      expect(stored?.doc.getMap('map').get('late')).toBe(seed)
    }
    const bugs = cluster.nodes.flatMap(({ server }) =>
      server.log.filter(({ level, msg }) => level === 'fatal' || /unhandled|threw/.test(msg ?? '')),
    )
    expect(bugs).toEqual([])
  })
})

/** Noise, or something real with a few bytes changed, on its channel or on another one. */
async function publish(
  redis: Redis,
  heard: readonly (readonly [string, Buffer])[],
  random: Random,
): Promise<void> {
  const [from, bytes] = pick(random, heard)
  const channel = random.next() < 0.9 ? from : pick(random, channels)
  const noise = () =>
    Buffer.from(Array.from({ length: integerBetween(random, 0, 200) }, () => random.next() * 256))
  const poison = random.next() < 0.2 ? noise() : Buffer.from(mutate(bytes, random, 30))
  await redis.publish(channel, poison)
}
