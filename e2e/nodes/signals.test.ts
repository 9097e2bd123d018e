/** G1, G8: signals when people are on several nodes: who gets them, how many, and nobody waits for the dead. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import type { SignalAudience, SignalEnvelope } from '../../shared/signals.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('signals on several nodes', { binaries: ['initdb', 'redis-server'] })
const NAME = 'signals/board'

type Answer = {
  readonly sent?: { readonly id: string; readonly receivers: number }
  readonly error?: { readonly code: string }
}

describe.skipIf(reason !== null)('signals on three nodes', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  let ref = 0
  beforeAll(async () => {
    cluster = await Cluster.start({
      nodes: 3,
      settings: { WEFT_SIGNALS_PER_SECOND: '500' },
      postgres: { fsync: 'off' },
    })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => cluster.remove())

  const open = async (node: number, user: string, name = NAME) => {
    const token = await testToken(user)
    const client = stockProvider({ url: cluster.node(node).urls.syncUrl, name, token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const ask = async (client: StockClient, request: object): Promise<Answer> => {
    ref += 1
    const own = ref
    const { type, ...rest } = request as { type: string }
    client.provider.sendStateless(JSON.stringify({ type, ref: own, ...rest }))
    const found = () =>
      client.stateless.find(one => one.type === 'weft.answer' && one['ref'] === own)
    await until(() => found() !== undefined, 'an answer')
    return found() as Answer
  }
  const receivers = async (client: StockClient, data: unknown, to: SignalAudience = {}) =>
    (await ask(client, { type: 'weft.send', signal: { type: 'n', to, data } })).sent?.receivers
  const heard = ({ stateless }: StockClient) =>
    stateless
      .filter(({ type }) => type === 'weft.signal')
      .map(({ signal }) => signal as SignalEnvelope)
  const numbers = (client: StockClient) => heard(client).map(({ data }) => data)
  const post = async (node: number, body: object) => {
    const answer = await fetch(`${cluster.node(node).urls.url}/v1/signals`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await testToken('bot')}`,
      },
    })
    return (await answer.json()) as { receivers: number }
  }

  test('[G1] all others get it, wherever they are, in the order of each sender; counted over nodes', async () => {
    const [ada, bob, eve] = [await open(0, 'ada'), await open(1, 'bob'), await open(2, 'eve')]
    await open(2, 'zoe', 'signals/other')
    // Nodes hear of each other within two seconds of their start.
    await until(async () => (await receivers(ada, 'warm up')) === 2, 'all are counted')
    const counts = await Promise.all(Array.from({ length: 200 }, async (_, n) => receivers(ada, n)))
    expect(new Set(counts)).toEqual(new Set([2]))
    for (const client of [bob, eve]) {
      await until(() => numbers(client).includes(199), 'heard')
      expect(numbers(client).filter(one => typeof one === 'number')).toEqual(
        Array.from({ length: 200 }, (_, n) => n),
      )
    }
    expect(heard(bob).at(-1)).toEqual(heard(eve).at(-1))
    expect(heard(bob).at(-1)).toMatchObject({ from: { id: 'ada' } })
  })

  test('[G2] [G8] to one session, a user or a topic on another node, also over REST', async () => {
    const [ada, bob, bob2] = [await open(0, 'ada'), await open(1, 'bob'), await open(2, 'bob')]
    bob2.provider.setAwarenessField('here', true)
    await until(() => ada.provider.awareness!.getStates().has(bob2.doc.clientID), 'seen')
    await ask(bob, { type: 'weft.follow', topics: ['chat.*'] })
    expect(await receivers(ada, 1, { user: 'bob' })).toBe(2)
    expect(await receivers(ada, 2, { session: bob2.doc.clientID })).toBe(1)
    expect(await receivers(ada, 3, { topic: 'chat.general' })).toBe(1)
    const to = { document: NAME }
    for (const node of [0, 1, 2]) {
      expect(await post(node, { to, type: 'n', data: 4 })).toMatchObject({ receivers: 3 })
    }
    await until(() => heard(bob).length === 5 && heard(bob2).length === 5, 'heard')
    expect(numbers(bob)).toEqual([1, 3, 4, 4, 4])
    expect(numbers(bob2)).toEqual([1, 2, 4, 4, 4])
  })

  test('[G1] a node is killed, or the bus is away: nobody waits for long, the others get theirs', async () => {
    const [ada, bob, eve] = [await open(0, 'ada'), await open(1, 'bob'), await open(2, 'eve')]
    const near = await open(0, 'near')
    await until(async () => (await receivers(ada, 'before')) === 3, 'all are counted')
    await cluster.node(2).server.kill()
    const killedAt = performance.now()
    expect(await receivers(ada, 'killed')).toBe(2)
    const tookMs = performance.now() - killedAt
    process.stdout.write(`answered after ${Math.round(tookMs)} ms\n`)
    expect(tookMs).toBeLessThan(3_000)
    await until(() => numbers(bob).includes('killed'), 'heard')
    expect(numbers(eve)).not.toContain('killed')
    cluster.node(0).toBus?.cut()
    await until(async () => (await receivers(ada, 'no bus')) === 1, 'its own node alone')
    expect(numbers(near)).toContain('no bus')
    cluster.node(0).toBus?.restore()
    await until(async () => (await receivers(ada, 'bus')) === 2, 'as before', 30_000)
    await cluster.node(2).start()
    await until(async () => (await receivers(ada, 'again')) === 3, 'all three', 60_000)
  }, 120_000)
})
