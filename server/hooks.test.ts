/** Hooks of an application: seeds, schema migrations, observers, and whatever they throw. */
import { afterEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { createClient, type ClientOptions, type WeftClient } from '../client/sdk/index.ts'
import type { DocumentHooks } from './documents/document-hooks.ts'
import { FaultyJournal } from './testing/faulty-journal.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

let server: TestApp
let journal: FaultyJournal
const clients: WeftClient[] = []
const stocks: StockClient[] = []

const start = async (hooks: DocumentHooks, settings: Record<string, string> = {}) => {
  const wrapJournal = (real: ConstructorParameters<typeof FaultyJournal>[0]) =>
    (journal = new FaultyJournal(real))
  server = await startTestApp({
    settings: { WEFT_DOCUMENT_IDLE_MS: '0', WEFT_HOOK_TIMEOUT_MS: '300', ...settings },
    parts: { hooks, wrapJournal },
  })
}
const open = (name: string, sub = 'alice', options: Partial<ClientOptions> = {}) => {
  const token = () => server.token(sub)
  const client = createClient({ url: server.url, token, offline: 'memory', ...options })
  clients.push(client)
  return client.open(name)
}
const stock = async (name: string, url = server.syncUrl) => {
  const client = stockProvider({ url, name, token: await server.token('stock') })
  stocks.push(client)
  return client
}
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()))
  for (const one of stocks.splice(0)) one.destroy()
  await server.stop()
})
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('[G7] seeding', () => {
  test('50 clients open a new document at once, the seed takes 500 ms: content exactly once', async () => {
    let seeds = 0
    const seed = async () => {
      seeds += 1
      await pause(500)
      return { text: 'Hello', list: [1, { two: 2 }] }
    }
    await start({ seed }, { WEFT_HOOK_TIMEOUT_MS: '5000' })
    const handles = Array.from({ length: 25 }, (_, i) => open('a', `user-${i}`))
    const providers = await Promise.all(Array.from({ length: 25 }, () => stock('a')))
    await Promise.all(handles.map(handle => handle.whenSynced()))
    await until(() => providers.every(one => one.provider.isSynced), 'synced')
    for (const { doc } of [...handles, ...providers]) {
      expect(doc.getText('text').toString()).toBe('Hello')
      expect(doc.getArray('list').toJSON()).toEqual([1, { two: 2 }])
    }
    expect(seeds).toBe(1)
    expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: 1 })
  })

  test('open, leave without editing, come back with the local copy: still once', async () => {
    await start({ seed: () => ({ text: 'Hello' }) })
    const first = await stock('a')
    await until(() => first.text.toString() === 'Hello', 'seeded')
    const copy = first.doc
    first.provider.destroy()
    await until(() => server.app.documents.liveCount === 0, 'let go')
    const token = await server.token('stock')
    const second = stockProvider({ url: server.syncUrl, name: 'a', token, document: copy })
    stocks.push(second)
    await until(() => second.provider.isSynced && !second.provider.hasUnsyncedChanges, 'synced')
    expect(second.text.toString()).toBe('Hello')
    const third = open('a')
    await third.whenSynced()
    expect(third.doc.getText('text').toString()).toBe('Hello')
  })

  test('a seed that fails creates nothing, and is tried again', async () => {
    let calls = 0
    await start({
      seed: () => {
        calls += 1
        if (calls < 3) throw new Error('the template is away')
        const doc = new Y.Doc()
        doc.getText('text').insert(0, 'template')
        return Y.encodeStateAsUpdate(doc)
      },
    })
    const handle = open('a')
    await until(() => handle.status.kind === 'blocked', 'told')
    expect(await server.app.documents.head('a' as never)).toBeUndefined()
    await handle.whenSynced()
    expect(handle.doc.getText('text').toString()).toBe('template')
  })

  test('PUT with content: made once, and never over one that is there', async () => {
    await start({ seed: () => ({ text: 'from the hook' }) })
    const put = (headers: Record<string, string>, body?: string) =>
      server.fetch('/v1/documents/a', {
        method: 'PUT',
        headers,
        ...(body === undefined ? {} : { body }),
      })
    const json = { 'content-type': 'application/json' }
    expect((await put(json, '{"text":"mine"}')).status).toBe(400)
    const created = await Promise.all(
      Array.from({ length: 5 }, () => put({ ...json, 'if-none-match': '*' }, '{"text":"mine"}')),
    )
    expect(created.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      201, 412, 412, 412, 412,
    ])
    const handle = open('a')
    await handle.whenSynced()
    expect(handle.doc.getText('text').toString()).toBe('mine')
    expect((await put({ ...json, 'if-none-match': '*' }, '"text"')).status).toBe(400)
    const bad = await server.fetch('/v1/documents/b', {
      method: 'PUT',
      headers: { 'if-none-match': '*', 'content-type': 'application/octet-stream' },
      body: Uint8Array.of(255, 255),
    })
    expect(bad.status).toBe(400)
    const plain = await server.fetch('/v1/documents/c', { method: 'PUT' })
    expect(plain.status).toBe(201)
    const content = await server.fetch('/v1/documents/c/content')
    expect(await content.json()).toMatchObject({ content: { text: 'from the hook' } })
  })
})

describe('[G8] whatever a hook throws', () => {
  const ways: readonly (readonly [string, () => unknown])[] = [
    [
      'an Error',
      () => {
        throw new Error('injected')
      },
    ],
    [
      'undefined',
      () => {
        throw undefined
      },
    ],
    [
      'a string',
      () => {
        throw 'injected' as unknown as Error
      },
    ],
    ['a rejection', () => Promise.reject(new Error('injected'))],
    ['a rejection with undefined', () => Promise.reject(undefined)],
    ['nothing, for ever', () => new Promise(() => {})],
  ]
  const observers = ['onOpen', 'onStored', 'onClose', 'onDelete'] as const

  for (const [what, fail] of ways) {
    test.each(observers)(`%s with ${what}: counted, and nothing else`, async name => {
      await start({ [name]: fail })
      const first = await stock('a')
      first.text.insert(0, 'x')
      await until(() => first.provider.isSynced && !first.provider.hasUnsyncedChanges, 'stored')
      const other = await stock('b')
      first.destroy()
      await until(() => server.app.documents.peek('a' as never) === undefined, 'let go')
      const again = open('a')
      await again.whenSynced()
      again.doc.getText('text').insert(1, 'y')
      await again.whenSaved()
      await server.fetch('/v1/documents/a', { method: 'DELETE' })
      await until(async () => (await server.metric('weft_hook_failures_total')) > 0, 'counted')
      other.text.insert(0, 'unhurt')
      await until(() => other.provider.isSynced && !other.provider.hasUnsyncedChanges, 'unhurt')
      expect(other.closes).toEqual([])
    })

    test(`the seed with ${what}: that document waits, others do not`, async () => {
      let failing = true
      const seed = () => (failing ? (fail() as never) : { text: 'seeded' })
      await start({ seed: name => (name === 'a' ? seed() : undefined) })
      const waiting = open('a')
      const other = open('b')
      other.doc.getText('text').insert(0, 'unhurt')
      await other.whenSaved()
      await until(() => waiting.status.kind === 'blocked', 'told')
      expect(waiting.status).toMatchObject({ error: { retryable: true } })
      failing = false
      await waiting.whenSynced()
      expect(waiting.doc.getText('text').toString()).toBe('seeded')
    })

    test(`a migration with ${what}: the document stays as it is, for those who understand it`, async () => {
      await start({ schema: { version: 2, migrations: { 2: fail } } })
      const maker = { schema: { min: 1, max: 2 } }
      await makeOld('a')
      const newer = open('a', 'newer', maker)
      await newer.whenSynced()
      expect(newer.state.get().access).toBe('write')
      const older = open('a', 'older', { schema: { min: 1, max: 1 } })
      older.doc.getText('text').insert(0, 'still ')
      await older.whenSaved()
      expect(await server.app.documents.head('a' as never)).toMatchObject({ schema: 1 })
    })
  }
})

/** A document from the days of version 1. */
async function makeOld(name: string): Promise<void> {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'old')
  await journal.open(name as never, {
    incarnation: `life of ${name}`,
    by: 'alice',
    at: 1,
    afterDeletion: false,
    schema: 1,
    seed: Y.encodeStateAsUpdate(doc),
  })
}

describe('the schema gate', () => {
  const hooks = (): DocumentHooks & { runs: number } => {
    const own: DocumentHooks & { runs: number } = {
      runs: 0,
      schema: {
        version: 3,
        migrations: {
          2: doc => {
            own.runs += 1
            doc.getMap('meta').set('title', doc.getText('text').toString())
          },
          3: doc => void doc.getMap('meta').set('three', true),
        },
      },
    }
    return own
  }

  test('a newer client brings the document up, once; older ones become readers and are told', async () => {
    const own = hooks()
    await start(own)
    await makeOld('a')
    const older = open('a', 'older', { schema: { min: 1, max: 1 } })
    await older.whenSynced()
    const stockOld = await stock('a', `${server.syncUrl}?schema=1`)
    await until(() => stockOld.provider.isSynced, 'synced')
    expect(older.state.get()).toMatchObject({ access: 'write', notice: null })
    const newer = Array.from({ length: 5 }, (_, i) =>
      open('a', `newer-${i}`, { schema: { min: 1, max: 2 } }),
    )
    await Promise.all(newer.map(handle => handle.whenSynced()))
    expect(own.runs).toBe(1)
    expect(newer[0]?.doc.getMap('meta').toJSON()).toEqual({ title: 'old' })
    expect(await server.app.documents.head('a' as never)).toMatchObject({ schema: 2 })
    await until(() => older.state.get().access === 'read', 'the older one is told')
    expect(older.state.get().notice).toMatchObject({ code: 'UPGRADE_REQUIRED' })
    await until(
      () => stockOld.stateless.some(({ type }) => type === 'weft.access'),
      'the stock one too',
    )
    older.doc.getText('text').insert(0, 'no ')
    await expect(older.whenSaved()).rejects.toMatchObject({ code: 'UPGRADE_REQUIRED' })
    stockOld.text.insert(0, 'no ')
    await until(() => stockOld.stateless.some(({ type }) => type === 'weft.error'), 'refused')
    const late = open('a', 'late', { schema: { min: 1, max: 1 } })
    await late.whenSynced()
    expect(late.state.get()).toMatchObject({ access: 'read', notice: { code: 'UPGRADE_REQUIRED' } })
    newer[0]?.doc.getText('text').insert(0, 'yes ')
    await newer[0]?.whenSaved()
    await until(() => older.doc.getText('text').toString().includes('yes'), 'readers go on reading')
    expect(newer[1]?.doc.getText('text').toString()).toBe('yes old')
  })

  test('every version on the way is passed, and a new document starts at the newest', async () => {
    await start(hooks())
    await makeOld('a')
    const newest = open('a', 'newest', { schema: { min: 3, max: 3 } })
    await newest.whenSynced()
    expect(newest.doc.getMap('meta').toJSON()).toEqual({ title: 'old', three: true })
    expect(newest.state.get().access).toBe('write')
    const fresh = open('fresh', 'newest', { schema: { min: 3, max: 3 } })
    fresh.doc.getText('text').insert(0, 'x')
    await fresh.whenSaved()
    expect(await server.app.documents.head('fresh' as never)).toMatchObject({ schema: 3 })
  })

  test('a reader does not migrate, and a bad range is refused cleanly', async () => {
    const own = hooks()
    await start(own)
    await makeOld('a')
    const grants = [{ resource: '**', role: 'viewer' as const }]
    const client = createClient({
      url: server.url,
      token: () => server.token('viewer', { grants }),
      offline: 'memory',
      schema: { min: 2, max: 2 },
    })
    clients.push(client)
    const viewer = client.open('a')
    await viewer.whenSynced()
    expect(own.runs).toBe(0)
    const bad = createClient({
      url: server.url,
      token: () => server.token('bad'),
      offline: 'memory',
      schema: { min: -1, max: Number.NaN },
    })
    clients.push(bad)
    await expect(bad.open('a').whenSynced()).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    const response = await fetch(`${server.url.replace('ws', 'http')}/sync?schema=x`, {
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    }).catch(() => undefined)
    expect(response?.status ?? 400).not.toBe(200)
  })
})
