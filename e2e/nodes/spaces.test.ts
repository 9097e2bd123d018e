/** Spaces on three nodes: who is in one is seen on all, and a seat is given once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Grant } from '../../shared/permissions.ts'
import { stockProvider, stockYProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('spaces on several nodes', { binaries: ['initdb', 'redis-server'] })
const DOCUMENT = '~space/acme/plan'
const PLAN = '/v1/spaces/acme%2Fplan'

describe.skipIf(reason !== null)('a space on three nodes', () => {
  let cluster: Cluster
  const clients: { destroy(): void }[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3, postgres: { fsync: 'off' } })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => cluster.remove())

  const ask = async (node: number, method: string, path: string, body?: object) => {
    const grants: Grant[] = [{ resource: 'acme/**', role: 'owner' }]
    const answer = await fetch(`${cluster.node(node).urls.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await testToken('ada', { grants })}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    expect(answer.ok, await answer.clone().text()).toBe(true)
    return (await answer.text()) || '{}'
  }
  const people = async (node: number) => {
    const answer = JSON.parse(await ask(node, 'GET', `${PLAN}/presence`)) as {
      people: { id: string }[]
    }
    return answer.people.map(({ id }) => id)
  }
  const enter = async (node: number, user: string) => {
    const { syncUrl } = cluster.node(node).urls
    const client = stockProvider({ url: syncUrl, name: DOCUMENT, token: await testToken(user) })
    clients.push(client)
    await until(() => client.provider.isSynced || client.failures.length > 0, 'an answer')
    return client
  }
  const ids = (client: { provider: Awaited<ReturnType<typeof enter>>['provider'] }) =>
    [...(client.provider.awareness?.getStates().values() ?? [])]
      .flatMap(state => (state as { user?: { id: string } }).user?.id ?? [])
      .toSorted()

  test('who is in it is seen on all of them, is counted once, and is sent off on all', async () => {
    await ask(0, 'POST', '/v1/spaces', { name: 'acme/plan', maxSize: 3 })
    const [ada, bob] = [await enter(0, 'ada'), await enter(1, 'bob')]
    const { yUrl } = cluster.node(2).urls
    const cleo = stockYProvider({ url: yUrl, name: DOCUMENT, token: await testToken('cleo') })
    clients.push(cleo)
    await until(() => cleo.provider.synced, 'cleo is in')
    for (const { provider } of [ada, bob]) provider.setAwarenessField('viewing', 'board')
    cleo.provider.awareness.setLocalStateField('viewing', 'list')
    await until(() => ids(ada).join() === 'bob,cleo' && ids(bob).join() === 'ada,cleo', 'seen')
    for (const node of [0, 1, 2]) expect(await people(node)).toEqual(['ada', 'bob', 'cleo'])
    // A second device of hers on another node needs no seat; somebody else does.
    expect((await enter(2, 'ada')).failures).toEqual([])
    expect((await enter(2, 'dan')).failures).toEqual(['SPACE_FULL'])
    const closedAt = Date.now()
    await ask(1, 'PATCH', PLAN, { closed: true })
    await until(
      () => [ada, bob].every(one => one.stateless.length > 0) && cleo.closes.length > 0,
      'sent off',
    )
    expect(Date.now() - closedAt).toBeLessThan(2_000)
    expect(ada.stateless.at(-1)).toMatchObject({ error: { code: 'SPACE_CLOSED' } })
    expect(cleo.closes[0]?.code).toBe(4410)
    cleo.destroy()
  })

  test('the devices of a user are listed by any of them', async () => {
    const from = async (node: number, device: string) => {
      const url = `${cluster.node(node).urls.syncUrl}?device=${device}`
      const client = stockProvider({ url, name: '~user/ada', token: await testToken('ada') })
      clients.push(client)
      await until(() => client.provider.isSynced, 'in')
    }
    await from(0, 'laptop')
    await from(2, 'phone')
    const listed = JSON.parse(await ask(1, 'GET', '/v1/users/ada/devices')) as {
      devices: { id: string; documents: string[] }[]
    }
    expect(listed.devices).toMatchObject([
      { id: 'laptop', documents: ['~user/ada'] },
      { id: 'phone', documents: ['~user/ada'] },
    ])
  })
})
