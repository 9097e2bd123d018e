/** What users of several nodes see: one document, whatever node they are on and whatever fails. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stockProvider, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { Cluster } from '../support/cluster.ts'
import { missing } from '../support/needs.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('several nodes', { binaries: ['initdb', 'redis-server'] })
const names = (function* () {
  for (let i = 0; ; i++) yield `nodes/${i}`
})()

describe.skipIf(reason !== null)('one document on three nodes', () => {
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 3, postgres: { fsync: 'off' } })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(() => cluster.remove())

  const open = async (node: number, name: string, user = `user-${node}`) => {
    const { syncUrl } = cluster.node(node).urls
    const client = stockProvider({ url: syncUrl, name, token: await testToken(user) })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const saved = (client: StockClient) =>
    until(() => !client.provider.hasUnsyncedChanges, 'acknowledged')
  const request = async (node: number, path: string, init: RequestInit & { sub?: string } = {}) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${await testToken(init.sub ?? 'bot')}`)
    return fetch(`${cluster.node(node).urls.url}${path}`, { ...init, headers })
  }
  const everywhere = (all: readonly StockClient[], text: string) =>
    until(() => all.every(client => client.text.toString() === text), `${text} everywhere`)

  test('an edit on one is seen on the others, and stored', async () => {
    const name = names.next().value
    const all = [await open(0, name), await open(1, name), await open(2, name)]
    all[0]!.text.insert(0, 'hello')
    await everywhere(all, 'hello')
    all[1]!.text.insert(5, ' world')
    all[2]!.text.insert(0, '> ')
    await everywhere(all, '> hello world')
    for (const client of all) await saved(client)
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(stored?.doc.getText('text').toString()).toBe('> hello world')
  })

  test('[G16] a keystroke is one message on the bus, of less than 300 bytes', async () => {
    const name = names.next().value
    const writer = await open(0, name)
    const others = [await open(1, name), await open(2, name)]
    writer.text.insert(0, 'x'.repeat(5_000))
    await everywhere(others, writer.text.toString())
    await saved(writer)
    const published = await Promise.all(cluster.nodes.map(busCount))
    const bytes = cluster.node(0).toBus!.bytesToBus
    for (let i = 0; i < 20; i++) {
      writer.text.insert(i, 'k')
      await saved(writer)
    }
    await everywhere(others, writer.text.toString())
    const [own, ...rest] = (await Promise.all(cluster.nodes.map(busCount))).map(
      (count, i) => count - published[i]!,
    )
    // Heartbeats are told too, every two seconds.
    expect(own).toBeLessThanOrEqual(22)
    for (const count of rest) expect(count).toBeLessThanOrEqual(2)
    expect((cluster.node(0).toBus!.bytesToBus - bytes) / 20).toBeLessThan(300)
  })
  const busCount = (node: Cluster['nodes'][number]) => node.metric('weft_fanout_published_total')

  test('[G17] who is here is seen on all nodes, and leaves at once', async () => {
    const name = names.next().value
    const [ada, bob] = [await open(0, name), await open(1, name)]
    ada.provider.setAwarenessField('user', { name: 'Ada' })
    const seen = () => bob.provider.awareness!.getStates().get(ada.doc.clientID)
    await until(() => seen()?.['user'] !== undefined, 'Ada is seen')
    const carl = await open(2, name)
    await until(
      () => carl.provider.awareness!.getStates().has(ada.doc.clientID),
      'she is seen by who comes later',
    )
    ada.destroy()
    await until(() => seen() === undefined, 'Ada has left', 2_000)
  })

  test('[G6] a program’s edit on one node is read on another at once', async () => {
    const name = names.next().value
    const reader = await open(1, name)
    const path = `/v1/documents/${encodeURIComponent(name)}`
    for (let i = 0; i < 10; i++) {
      const patch = [{ op: 'add', path: '/fields', value: { [`f${i}`]: i } }]
      const body = JSON.stringify(patch)
      const headers = { 'content-type': 'application/json-patch+json' }
      const done = await request(0, `${path}/json`, { method: 'PATCH', body, headers })
      expect(done.status).toBe(200)
      const { seq } = (await done.json()) as { seq: number }
      const content = await request(1, `${path}/content`)
      expect(await content.json()).toMatchObject({ content: { fields: { [`f${i}`]: i } } })
      expect(content.headers.get('etag')).toContain(`.${seq}"`)
    }
    await until(() => reader.doc.getMap('fields').get('f9') === 9, 'the client has it')
  })

  test('[D12] If-Match holds over all nodes: of two that read the same, one is refused', async () => {
    const name = names.next().value
    const path = `/v1/documents/${encodeURIComponent(name)}`
    await request(0, path, { method: 'PUT' })
    // Live on both, or nothing would be at stake.
    await open(0, name)
    await open(1, name)
    const headers = { 'content-type': 'application/json-patch+json' }
    for (let round = 0; round < 10; round++) {
      const read = await Promise.all([0, 1].map(node => request(node, `${path}/content`)))
      const answers = await Promise.all(
        read.map((one, node) =>
          request(node, `${path}/json`, {
            method: 'PATCH',
            headers: { ...headers, 'if-match': one.headers.get('etag')! },
            body: JSON.stringify([{ op: 'add', path: '/m', value: { by: node, round } }]),
          }),
        ),
      )
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
    }
  })

  test('[D13] a request that is sent again to another node is carried out once', async () => {
    const name = names.next().value
    const path = `/v1/documents/${encodeURIComponent(name)}`
    await request(0, path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-none-match': '*' },
      body: JSON.stringify({ list: ['first'] }),
    })
    const client = await open(2, name)
    const headers = {
      'content-type': 'application/json-patch+json',
      'idempotency-key': `key-${name}`,
    }
    const body = JSON.stringify([{ op: 'add', path: '/list/-', value: 'once' }])
    const patch = (node: number) =>
      request(node, `${path}/json`, { method: 'PATCH', headers, body })
    const answers = await Promise.all([0, 1, 2, 0, 1, 2].map(patch))
    const seqs = new Set<number>()
    for (const answer of [...answers, await patch(1)]) {
      expect(answer.status).toBe(200)
      seqs.add(((await answer.json()) as { seq: number }).seq)
    }
    expect(seqs.size).toBe(1)
    await until(() => client.doc.getArray('list').length === 2, 'once')
    const content = await request(2, `${path}/content`)
    expect(await content.json()).toMatchObject({ content: { list: ['first', 'once'] } })
  })

  test('a deletion on one node ends the document on the others', async () => {
    const name = names.next().value
    const client = await open(1, name)
    client.text.insert(0, 'x')
    await saved(client)
    const path = `/v1/documents/${encodeURIComponent(name)}`
    expect((await request(0, path, { method: 'DELETE' })).status).toBe(204)
    await until(
      () => client.stateless.some(one => JSON.stringify(one).includes('DOCUMENT_DELETED')),
      'told',
    )
  })

  test('[G9] sessions are ended by whatever node is asked, and come back', async () => {
    const name = names.next().value
    const client = await open(1, name, 'kicked')
    const before = await cluster.node(1).metric('weft_refusals_total')
    const body = JSON.stringify({ document: name, user: 'kicked' })
    const headers = { 'content-type': 'application/json' }
    const token = await testToken('root', { grants: [{ resource: '**', role: 'admin' }] })
    const answer = await fetch(`${cluster.node(0).urls.url}/v1/admin/disconnect`, {
      method: 'POST',
      body,
      headers: { ...headers, authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(200)
    await until(
      async () => (await cluster.node(1).metric('weft_refusals_total')) > before,
      'it was ended',
    )
    expect(client.stateless.some(one => JSON.stringify(one).includes('DISCONNECTED'))).toBe(true)
  })

  test('[G7] fifty clients on three nodes make one document of a new name', async () => {
    const name = names.next().value
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => open(i % 3, name, `u${i}`)))
    for (const [i, client] of all.entries()) client.doc.getArray('all').push([i])
    for (const client of all) await saved(client)
    await until(() => all.every(({ doc }) => doc.getArray('all').length === 50), 'all have all')
  })
})
