/** G12, G13, G22: edits that the server will not take. Told, kept, and never in anybody's way. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { createClient, type ClientOptions, type WeftClient } from '../client/sdk/index.ts'
import type { Grant } from '../shared/permissions.ts'
import { frameProxy } from './testing/frame-proxy.ts'
import { stockProvider, stockSocket, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const MB = 1 << 20

describe('refused edits', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const closers: (() => unknown)[] = []
  const connect = (grants: () => Grant[], options: Partial<ClientOptions> = {}) => {
    const token = () => server.token('alice', { grants: grants() })
    const client = createClient({ url: server.url, token, offline: 'memory', ...options })
    clients.push(client)
    return client
  }
  const stored = async (name: string) => {
    const response = await server.fetch(`/v1/documents/${name}/content`)
    return ((await response.json()) as { content: { t?: string } }).content.t
  }
  const asText = (update: Uint8Array) => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, update)
    return doc.getText('t').toString()
  }
  const owner = [{ resource: '**', role: 'owner' as const }]
  const viewer = [{ resource: '**', role: 'viewer' as const }]

  beforeEach(async () => {
    server = await startTestApp()
    const author = connect(() => owner).open('a')
    author.doc.getText('t').insert(0, 'shared')
    await author.whenSaved()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    for (const close of closers.splice(0)) await close()
    await server.stop()
  })

  test('[G12] a viewer edits with the sdk: told at once, set aside, not uploaded when promoted', async () => {
    let grants: Grant[] = viewer
    const client = connect(() => grants)
    const handle = client.open('a')
    await handle.whenSynced()
    const refusedDoc = handle.doc
    handle.doc.getText('t').insert(0, 'mine ')
    await expect(handle.whenSaved()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await until(() => handle.doc !== refusedDoc && handle.status.kind === 'live', 'anew')
    expect(handle.state.get()).toMatchObject({
      access: 'read',
      unsaved: 0,
      notice: { code: 'FORBIDDEN' },
    })
    expect(handle.doc.getText('t').toString()).toBe('shared')
    const [aside] = await client.offline.setAside()
    expect(aside).toMatchObject({ name: 'a', unsaved: 1 })
    expect(asText(aside?.state ?? new Uint8Array())).toBe('mine shared')

    grants = owner
    client.disconnect()
    client.connect()
    handle.retry()
    await until(() => handle.state.get().access === 'write', 'promoted')
    expect(handle.state.get().notice).toBeNull()
    handle.doc.getText('t').insert(6, ' and allowed')
    await handle.whenSaved()
    expect(await stored('a')).toBe('shared and allowed')
  })

  test('[G12] a viewer edits offline and is promoted later: the same', async () => {
    let grants: Grant[] = viewer
    const client = connect(() => grants)
    const handle = client.open('a')
    await handle.whenSynced()
    client.disconnect()
    handle.doc.getText('t').insert(0, 'offline ')
    await until(() => handle.state.get().kept === 1, 'kept')
    client.connect()
    await until(async () => (await client.offline.setAside()).length === 1, 'set aside')
    await handle.whenSynced()
    grants = owner
    const later = connect(() => owner).open('a')
    await later.whenSynced()
    expect(later.doc.getText('t').toString()).toBe('shared')
    expect(await stored('a')).toBe('shared')
    await client.close()
    expect(grants).toBe(owner)
  })

  test('[G12] a viewer edits with the stock provider: told at once, nothing is stored', async () => {
    const token = await server.token('bob', { grants: viewer })
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    closers.push(() => client.destroy())
    await until(() => client.provider.isSynced, 'synced')
    client.doc.getText('t').insert(0, 'mine ')
    await until(() => client.stateless.some(({ type }) => type === 'weft.error'), 'told')
    expect(client.stateless.at(-1)).toMatchObject({ error: { code: 'FORBIDDEN' } })
    expect(client.closes).toEqual([])
    expect(await stored('a')).toBe('shared')
  })

  test('[G13] a 2 MB paste with the sdk: its document says so, the other 19 do not notice', async () => {
    const proxy = await frameProxy(server.syncUrl)
    closers.push(() => proxy.close())
    let large = 0
    proxy.meddle = (frame, direction) => {
      if (direction === 'up' && frame.byteLength > MB) large += 1
      return [frame]
    }
    const token = () => server.token('alice')
    const url = proxy.url.replace('ws', 'http')
    const client = createClient({ url, token, offline: 'memory' })
    clients.push(client)
    const handles = Array.from({ length: 20 }, (_, i) => client.open(`many/${i}`))
    await Promise.all(handles.map(handle => handle.whenSynced()))
    const seen: string[] = []
    for (const handle of handles) {
      handle.subscribe(() => {
        if (handle.status.kind !== 'live') seen.push(`${handle.name}: ${handle.status.kind}`)
      })
    }
    const [pasted, ...others] = handles
    pasted?.doc.getText('t').insert(0, 'x'.repeat(2 * MB))
    await expect(pasted?.whenSaved()).rejects.toMatchObject({
      code: 'UPDATE_TOO_LARGE',
      message: expect.stringContaining(String(MB)) as string,
    })
    // A time in which it would be tried again, were it tried again.
    for (let i = 0; i < 15; i++) {
      for (const other of others) other.doc.getText('t').insert(0, 'y')
      await Promise.all(others.map(other => other.whenSaved()))
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect(seen).toEqual([])
    expect(large).toBeLessThanOrEqual(1)
    expect(pasted?.state.get().save).toMatchObject({ kind: 'not saving', changes: 1 })
    const exported = await client.offline.export('many/0')
    expect(asText(exported ?? new Uint8Array())).toHaveLength(2 * MB)
  })

  test('[G13] the same with the stock provider, all 20 on one socket', async () => {
    const proxy = await frameProxy(server.syncUrl)
    closers.push(() => proxy.close())
    let large = 0
    proxy.meddle = (frame, direction) => {
      if (direction === 'up' && frame.byteLength > MB) large += 1
      return [frame]
    }
    const socket = stockSocket(proxy.url)
    const token = await server.token('bob')
    const providers: StockClient[] = Array.from({ length: 20 }, (_, i) =>
      stockProvider({ url: proxy.url, name: `many/${i}`, token, socket }),
    )
    closers.push(() => {
      for (const one of providers) one.destroy()
      socket.destroy()
    })
    await until(() => providers.every(one => one.provider.isSynced), 'synced')
    const [pasted, ...others] = providers
    pasted?.doc.getText('t').insert(0, 'x'.repeat(2 * MB))
    await until(() => (pasted?.stateless.length ?? 0) > 0, 'told')
    expect(pasted?.stateless.at(-1)).toMatchObject({
      error: { code: 'UPDATE_TOO_LARGE', message: expect.stringContaining(String(MB)) as string },
    })
    for (let i = 0; i < 15; i++) {
      for (const other of others) other.doc.getText('t').insert(0, 'y')
      await until(() => others.every(one => !one.provider.hasUnsyncedChanges), 'acknowledged')
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect(providers.flatMap(({ closes }) => closes)).toEqual([])
    expect(large).toBeLessThanOrEqual(2)
    // Never called saved, and all of it still here.
    expect(pasted?.provider.hasUnsyncedChanges).toBe(true)
    expect(pasted?.doc.getText('t').length).toBe(2 * MB)
  })

  test('[G22] made anew while a client is offline: its copy does not merge, and can be had', async () => {
    const client = connect(() => owner)
    const handle = client.open('a')
    await handle.whenSynced()
    client.disconnect()
    handle.doc.getText('t').insert(0, 'offline ')
    await until(() => handle.state.get().kept === 1, 'kept')
    await server.fetch('/v1/documents/a', { method: 'DELETE' })
    await server.fetch('/v1/documents/a', { method: 'PUT' })
    const author = connect(() => owner).open('a')
    author.doc.getText('t').insert(0, 'new life')
    await author.whenSaved()
    client.connect()
    await until(() => handle.doc.getText('t').toString() === 'new life', 'the new one')
    const asides = await client.offline.setAside()
    expect(asides.map(({ state }) => asText(state))).toEqual(['offline shared'])
    expect(await stored('a')).toBe('new life')
  })
})
