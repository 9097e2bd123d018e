/** G7, G9, G17: who is there, who is sent away, and who comes first, when people are on several nodes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type * as Y from 'yjs'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { stockProvider, stockSocket, type StockClient } from '../../server/testing/stock-clients.ts'
import { tcpProxy } from '../../server/testing/tcp-proxy.ts'
import { until } from '../../server/testing/until.ts'
import { seededRandom } from '../../shared/random.ts'
import { Cluster } from '../support/cluster.ts'
import { frontDoor } from '../support/front-door.ts'
import { missing } from '../support/needs.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { testToken } from '../support/server-process.ts'

const reason = missing('people on several nodes', { binaries: ['initdb', 'redis-server'] })

describe.skipIf(reason !== null)('people on three nodes', () => {
  const folder = temporaryFolder()
  let cluster: Cluster
  const clients: StockClient[] = []
  beforeAll(async () => {
    const hooks = join(folder.path, 'hooks.mjs')
    writeFileSync(
      hooks,
      `const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
       export default {
         async seed(name) {
           if (!name.startsWith('seeded/')) return undefined
           await wait(500)
           return { text: 'Hello' }
         },
       }`,
    )
    const settings = { WEFT_HOOKS: hooks, WEFT_DOCUMENT_IDLE_MS: '200' }
    cluster = await Cluster.start({ nodes: 3, settings, postgres: { fsync: 'off' } })
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(async () => {
    await cluster.remove()
    folder.remove()
  })

  type Place = { readonly user: string; readonly document?: Y.Doc; readonly syncUrl?: string }
  const open = async (node: number, name: string, { user, document, syncUrl }: Place) => {
    const url = syncUrl ?? cluster.node(node).urls.syncUrl
    const own = document === undefined ? {} : { document }
    const client = stockProvider({ url, name, token: await testToken(user), ...own })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const saved = (client: StockClient) =>
    until(() => client.provider.isSynced && !client.provider.hasUnsyncedChanges, 'saved')
  const disconnect = async (node: number, whom: { document: string; user?: string }) => {
    const grants = [{ resource: '**', role: 'admin' as const }]
    const answer = await fetch(`${cluster.node(node).urls.url}/v1/admin/disconnect`, {
      method: 'POST',
      body: JSON.stringify(whom),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await testToken('root', { grants })}`,
      },
    })
    expect(answer.status).toBe(200)
  }

  test('[G7] fifty clients on three nodes, a seed of half a second: its content is there once', async () => {
    const name = 'seeded/once'
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => open(i % 3, name, { user: `user-${i}` })),
    )
    await until(() => all.every(({ text }) => text.length > 0), 'seeded')
    expect(new Set(all.map(({ text }) => text.toString()))).toEqual(new Set(['Hello']))
    const copy = all[0]!.doc
    for (const client of clients.splice(0)) client.destroy()
    // Nobody has edited, everybody has left; one comes back to another node with what it had.
    const returned = await open(1, name, { user: 'user-0', document: copy })
    await saved(returned)
    const fresh = await open(2, name, { user: 'fresh' })
    expect([returned, fresh].map(({ text }) => text.toString())).toEqual(['Hello', 'Hello'])
    const stored = await readFromPostgres(cluster.databaseUrl, name)
    expect(stored?.doc.getText('text').toString()).toBe('Hello')
  })

  test.each([1, 20])(
    '[G9] sent away through another node, with %i documents on the socket: all is in step again',
    async count => {
      const names = Array.from({ length: count }, (_, i) => `kicked/${count}-${i}`)
      const socket = stockSocket(cluster.node(1).urls.syncUrl)
      const token = await testToken('kicked')
      const own = names.map(name => stockProvider({ url: '', name, token, socket }))
      clients.push(...own)
      await Promise.all(own.map(saved))
      const peer = await open(2, names[0]!, { user: 'peer' })
      await disconnect(0, { document: names[0]!, user: 'kicked' })
      const isTold = () => JSON.stringify(own[0]!.stateless).includes('DISCONNECTED')
      await until(isTold, 'told')
      // While it is away, on both sides.
      own[0]!.text.insert(0, 'mine')
      peer.text.insert(0, 'theirs')
      await until(() => {
        const [one, other] = [own[0]!.text.toString(), peer.text.toString()]
        return one === other && one.length === 'minetheirs'.length
      }, 'in step without anybody’s help')
      await Promise.all([...own, peer].map(saved))
      for (const { text } of own.slice(1)) text.insert(0, 'x')
      await Promise.all(own.map(saved))
      socket.destroy()
    },
  )

  test('[G17] a node is killed: its people are gone on the others in ten seconds, and come back', async () => {
    const name = 'presence/kill'
    const door = await frontDoor(cluster.nodes, seededRandom(1))
    door.prefer([cluster.node(0)])
    const mover = await open(0, name, { user: 'mover', syncUrl: door.urls.syncUrl })
    const lost = await open(0, name, { user: 'lost' })
    const watcher = await open(1, name, { user: 'watcher' })
    for (const client of [mover, lost]) {
      client.provider.setAwarenessField('user', { name: String(client.doc.clientID) })
    }
    const sees = ({ doc }: StockClient) => watcher.provider.awareness!.getStates().has(doc.clientID)
    await until(() => sees(mover) && sees(lost), 'both are seen')
    door.prefer([cluster.node(2)])
    await cluster.node(0).server.kill()
    const killedAt = performance.now()
    await until(() => !sees(lost), 'whom nobody vouches for is gone', 10_000)
    process.stdout.write(`gone after ${Math.round(performance.now() - killedAt)} ms\n`)
    // What the silence of the dead node takes away is its own.
    expect(sees(mover)).toBe(true)
    await cluster.node(0).start()
    // A stock provider waits longer after each try.
    await until(() => sees(lost), 'who waited for his node is there again', 45_000)
    mover.destroy()
    await door.close()
  })

  test('[P10] [G17] a client whose cable is pulled is gone on all nodes in ten seconds', async () => {
    const name = 'presence/cable'
    const { syncUrl } = cluster.node(0).urls
    const { host, port } = new URL(syncUrl)
    const proxy = await tcpProxy(Number(port))
    const through = syncUrl.replace(host, `127.0.0.1:${proxy.port}`)
    const lost = await open(0, name, { user: 'lost', syncUrl: through })
    const watchers = await Promise.all(
      [0, 1, 2].map(node => open(node, name, { user: `watcher-${node}` })),
    )
    lost.provider.setAwarenessField('cursor', 1)
    const seeing = () =>
      watchers.filter(({ provider }) => provider.awareness!.getStates().has(lost.doc.clientID))
    await until(() => seeing().length === watchers.length, 'seen everywhere')
    proxy.silence()
    const silentAt = performance.now()
    await until(() => seeing().length === 0, 'gone everywhere', 10_000)
    process.stdout.write(`gone after ${Math.round(performance.now() - silentAt)} ms\n`)
    await proxy.close()
  })

  test('[P11] [P12] programs and people are the same from every node', async () => {
    const name = 'presence/rest'
    const ask = async (node: number, path: string, init: RequestInit = {}) => {
      const authorization = `Bearer ${await testToken('bot')}`
      const headers = { authorization, 'content-type': 'application/json' }
      return fetch(`${cluster.node(node).urls.url}/v1/${path}`, { ...init, headers })
    }
    const put = (node: number, x: number) => {
      const body = JSON.stringify({ state: { x } })
      return ask(node, 'documents/presence%2Frest/presence/one', { method: 'PUT', body })
    }
    const people = async (node: number) => {
      const answer = await ask(node, 'documents/presence%2Frest/presence')
      const { people: found } = (await answer.json()) as { people: { id: string }[] }
      return found.map(({ id }) => id)
    }
    const [ada, bob] = [await open(0, name, { user: 'ada' }), await open(1, name, { user: 'bob' })]
    for (const { provider } of [ada, bob]) provider.setAwarenessField('cursor', 1)
    expect((await put(0, 1)).status).toBe(200)
    const shown = (): unknown =>
      [...bob.provider.awareness!.getStates().values()].find(({ x }) => x !== undefined)?.['x']
    await until(() => shown() === 1, 'seen from another node')
    // The third node has nobody on the document.
    for (const node of [0, 1, 2]) {
      await until(async () => (await people(node)).join() === 'ada,bob,bot', `from node ${node}`)
    }
    const user = (await (await ask(2, 'users/ada/presence')).json()) as { documents: object[] }
    expect(user.documents).toMatchObject([{ name, status: 'online' }])
    // The same program, by another way.
    expect((await put(2, 2)).status).toBe(200)
    await until(() => shown() === 2, 'taken over')
    expect(await people(1)).toEqual(['ada', 'bob', 'bot'])
    const path = 'documents/presence%2Frest/presence/one'
    expect((await ask(1, path, { method: 'DELETE' })).status).toBe(204)
    await until(() => shown() === undefined, 'gone')
    expect(await people(2)).toEqual(['ada', 'bob'])
  })

  test('[G17] a client that changes nodes is never missing', async () => {
    const name = 'presence/move'
    const door = await frontDoor(cluster.nodes, seededRandom(2))
    door.prefer([cluster.node(0)])
    const mover = await open(0, name, { user: 'mover', syncUrl: door.urls.syncUrl })
    const watcher = await open(1, name, { user: 'watcher' })
    mover.provider.setAwarenessField('cursor', 0)
    const state = () => watcher.provider.awareness!.getStates().get(mover.doc.clientID)
    await until(() => state() !== undefined, 'seen')
    for (const next of [2, 0, 2]) {
      const before = await cluster.node(next).metric('connections_total')
      door.prefer([cluster.node(next)])
      door.shake()
      await until(
        async () => (await cluster.node(next).metric('connections_total')) > before,
        'it has moved',
      )
      await until(() => state() !== undefined, 'seen', 2_000)
      mover.provider.setAwarenessField('cursor', next)
      await until(() => state()?.['cursor'] === next, 'and heard of')
    }
    // Not taken away by the node that it has left, either.
    await new Promise(resolve => setTimeout(resolve, 3_000))
    expect(state()).toMatchObject({ user: { name: 'mover' }, cursor: 2 })
    mover.destroy()
    await until(() => state() === undefined, 'gone at once', 2_000)
    await door.close()
  })
})
