/** Attacks on a running server: each costs its author something, and nobody else anything. */
import { connect } from 'node:net'
import { once } from 'node:events'
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  awarenessFrame,
  messageType,
  readFrame,
  statelessFrame,
  syncFrame,
  syncStep,
} from '../shared/frames.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

describe('attacks', () => {
  let server: TestApp
  let victim: StockClient
  const raws: RawClient[] = []
  const stocks: StockClient[] = []

  beforeEach(async () => {
    server = await startTestApp()
    victim = stockProvider({ url: server.syncUrl, name: 'a', token: await server.token('victim') })
    victim.text.insert(0, 'good')
    await until(() => victim.provider.isSynced && !victim.provider.hasUnsyncedChanges, 'calm')
  })
  afterEach(async () => {
    for (const one of raws.splice(0)) one.close()
    for (const one of stocks.splice(0)) one.destroy()
    victim.destroy()
    await server.stop()
  })

  const attach = async (sub = 'mallory', grants?: object[]): Promise<RawClient> => {
    const client = await rawClient(server.syncUrl)
    raws.push(client)
    client.authenticate(
      'a',
      await server.token(sub, (grants === undefined ? {} : { grants }) as never),
    )
    client.send(syncFrame('a', syncStep.step1, Uint8Array.of(0)))
    await until(() => client.frames.some(isSync), 'let in')
    return client
  }
  const isSync = (bytes: Uint8Array) =>
    bytes.byteLength > 1 && readFrame(bytes).type === messageType.sync
  const send = (client: RawClient, update: Uint8Array) =>
    client.send(syncFrame('a', syncStep.update, update))

  /** Edits of others are stored: they outlive the document in memory, and everybody's clients. */
  const othersAreStored = async () => {
    victim.text.insert(victim.text.length, ' and stored')
    await until(
      () => victim.provider.isSynced && !victim.provider.hasUnsyncedChanges,
      'acknowledged',
    )
    const journal = await server.app.documents.head('a' as never)
    expect(journal?.seq).toBeGreaterThan(1)
    const { dataDir } = server
    void dataDir
    const entries = await server.fetch('/v1/documents/a/content')
    const { content } = (await entries.json()) as { content: { text: string } }
    expect(content.text).toContain('and stored')
  }

  const update = (
    client: number,
    structs: ((encoder: encoding.Encoder) => void)[],
    deletes: number[] = [0],
  ) => {
    const encoder = encoding.createEncoder()
    for (const number of [1, structs.length, client, 0]) encoding.writeVarUint(encoder, number)
    for (const write of structs) write(encoder)
    for (const number of deletes) encoding.writeVarUint(encoder, number)
    return encoding.toUint8Array(encoder)
  }
  const rootItem =
    (kind: number, write: (encoder: encoding.Encoder) => void) => (encoder: encoding.Encoder) => {
      encoding.writeUint8(encoder, kind)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, 'x')
      write(encoder)
    }
  /** Maps inside each other: each is the value of a key of the one before. */
  const nestedMaps = (depth: number) =>
    update(
      77,
      Array.from({ length: depth }, (_, i) => (encoder: encoding.Encoder) => {
        encoding.writeUint8(encoder, 7 | 0x20)
        encoding.writeVarUint(encoder, i === 0 ? 1 : 0)
        if (i === 0) encoding.writeVarString(encoder, 'x')
        else {
          encoding.writeVarUint(encoder, 77)
          encoding.writeVarUint(encoder, i - 1)
        }
        encoding.writeVarString(encoder, 'k')
        encoding.writeVarUint(encoder, 1)
      }),
    )

  const forged: readonly (readonly [string, string, () => Uint8Array])[] = [
    [
      '[T13] an embed that is nested 20,000 deep',
      'UPDATE_INVALID',
      () =>
        update(77, [
          rootItem(5, encoder =>
            encoding.writeVarString(encoder, '['.repeat(20_000) + ']'.repeat(20_000)),
          ),
        ]),
    ],
    [
      '[T13] a value that is nested 200 deep',
      'UPDATE_INVALID',
      () => {
        const doc = new Y.Doc()
        let value: unknown = 1
        for (let i = 0; i < 200; i++) value = [value]
        doc.getMap('m').set('k', value)
        return Y.encodeStateAsUpdate(doc)
      },
    ],
    ['[T13] types that are nested 20,000 deep', 'UPDATE_INVALID', () => nestedMaps(20_000)],
    [
      'a sub-document without an id',
      'UPDATE_INVALID',
      () =>
        update(77, [
          rootItem(9, encoder => {
            encoding.writeVarString(encoder, 'guid')
            encoding.writeAny(encoder, { guid: null })
          }),
        ]),
    ],
    [
      '[T10] a struct that burns a client id',
      'UPDATE_INVALID',
      () => Uint8Array.of(1, 1, 77, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0),
    ],
    [
      '[F18] 20,001 structs',
      'UPDATE_TOO_LARGE',
      () =>
        update(
          77,
          Array.from({ length: 20_001 }, () =>
            rootItem(4, encoder => encoding.writeVarString(encoder, 'x')),
          ),
        ),
    ],
    [
      '[F19] a content that nobody knows',
      'UPDATE_INVALID',
      () => update(77, [rootItem(25, () => {})]),
    ],
    ['[T19] nothing but ones', 'UPDATE_INVALID', () => new Uint8Array(100).fill(255)],
  ]

  test.each(forged)('%s: refused, and everybody else is stored', async (_what, code, make) => {
    const mallory = await attach()
    send(mallory, make())
    await until(() => mallory.told().some(({ error }) => error?.code === code), `told ${code}`)
    await othersAreStored()
    expect(victim.closes).toEqual([])
    const joiner = stockProvider({ url: server.syncUrl, name: 'a', token: await server.token('j') })
    stocks.push(joiner)
    await until(() => joiner.text.toString().includes('stored'), 'a joiner gets it all')
  })

  test('[T12] updates that hang in the air: refused one by one, nothing stays behind', async () => {
    const mallory = await attach()
    const startedAt = performance.now()
    for (let i = 0; i < 4_000; i++) {
      const encoder = encoding.createEncoder()
      for (const number of [1, 1, 1_000 + i, 5]) encoding.writeVarUint(encoder, number)
      rootItem(4, inner => encoding.writeVarString(inner, 'x'))(encoder)
      encoding.writeVarUint(encoder, 0)
      send(mallory, encoding.toUint8Array(encoder))
    }
    await othersAreStored()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    const live = server.app.documents.peek('a' as never)
    expect(live?.doc.store.pendingStructs).toBeNull()
  })

  test('[T9] presence that is no JSON, or no object, is refused and reaches nobody', async () => {
    const mallory = await attach('mallory', [{ resource: 'a', role: 'viewer' }])
    for (const state of ['{not json', '7', '"text"', '[]']) {
      const encoder = encoding.createEncoder()
      for (const number of [1, 4_242, 1]) encoding.writeVarUint(encoder, number)
      encoding.writeVarString(encoder, state)
      mallory.send(awarenessFrame('a', encoding.toUint8Array(encoder)))
    }
    await until(
      () => mallory.told().filter(({ error }) => error?.code === 'FRAME_INVALID').length === 4,
      'told',
    )
    await othersAreStored()
    expect(victim.provider.awareness?.getStates().has(4_242)).toBe(false)
    expect(victim.closes).toEqual([])
  })

  test('[T17] stateless messages go nowhere, and a broadcast is refused', async () => {
    const mallory = await attach('mallory', [{ resource: 'a', role: 'viewer' }])
    mallory.send(statelessFrame('a', '{not json'))
    mallory.send(statelessFrame('a', 'x'.repeat(100_000)))
    mallory.send(statelessFrame('a', '{"type":"weft.check","id":-1}'))
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, 'a')
    encoding.writeVarUint(encoder, messageType.broadcastStateless)
    encoding.writeVarString(encoder, 'hi')
    mallory.send(encoding.toUint8Array(encoder))
    await until(() => mallory.told().some(({ error }) => error?.code === 'FRAME_INVALID'), 'told')
    await othersAreStored()
    expect(victim.stateless).toEqual([])
  })

  test('[T29] a second token on a live document: garbage ends it, another user’s does too', async () => {
    for (const token of ['garbage', await server.token('somebody else')]) {
      const mallory = await attach()
      mallory.authenticate('a', token)
      await until(() => mallory.told().some(({ error }) => error?.code === 'TOKEN_INVALID'), 'told')
      const doc = new Y.Doc()
      doc.getText('text').insert(0, 'EVIL')
      send(mallory, Y.encodeStateAsUpdate(doc))
    }
    await othersAreStored()
    expect(victim.text.toString()).not.toContain('EVIL')
  })

  test('[T6] a thousand questions of six bytes cost a few answers', async () => {
    const big = stockProvider({
      url: server.syncUrl,
      name: 'a',
      token: await server.token('writer'),
    })
    stocks.push(big)
    for (let i = 0; i < 8; i++) big.text.insert(0, 'x'.repeat(500_000))
    await until(
      () => big.provider.isSynced && !big.provider.hasUnsyncedChanges,
      'a document of 4 MB',
    )
    const mallory = await attach('mallory', [{ resource: 'a', role: 'viewer' }])
    const before = process.memoryUsage().rss
    for (let i = 0; i < 1_000; i++) mallory.send(syncFrame('a', syncStep.step1, Uint8Array.of(0)))
    await othersAreStored()
    const large = mallory.frames.filter(bytes => bytes.byteLength > 1_000_000)
    expect(large.length).toBeLessThanOrEqual(3)
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20)
  })

  test('[G14] a reader that stops costs little, and catches up with one frame', async () => {
    const stalled = await attach('stalled')
    stalled.socket.pause()
    const writer = stockProvider({
      url: server.syncUrl,
      name: 'a',
      token: await server.token('writer'),
    })
    stocks.push(writer)
    await until(() => writer.provider.isSynced, 'synced')
    const chunk = 'x'.repeat(20_000)
    for (let i = 0; i < 500; i++) {
      // The document stays small: what is missed is not what was sent.
      writer.text.delete(0, writer.text.length)
      writer.text.insert(0, `${i} ${chunk}`)
      if (i % 20 === 0) await until(() => !writer.provider.hasUnsyncedChanges, 'acknowledged')
    }
    await until(() => !writer.provider.hasUnsyncedChanges, 'acknowledged')
    expect(await server.metric('weft_lagging_total')).toBeGreaterThan(0)
    const received = stalled.frames.length
    stalled.socket.resume()
    const copy = new Y.Doc()
    const isUpToDate = () => {
      for (const bytes of stalled.frames.splice(0).filter(isSync)) {
        const { decoder } = readFrame(bytes)
        const rest = decoder.arr.subarray(decoder.pos)
        if (rest[0] !== syncStep.step1) Y.applyUpdate(copy, payloadOf(rest))
      }
      return copy.getText('text').toString() === writer.text.toString()
    }
    await until(isUpToDate, 'it has caught up')
    expect(received).toBeLessThan(500)
    expect(stalled.closed).toBeUndefined()
  })

  test('refused upgrades whose client keeps its half open are cut', async () => {
    const port = Number(new URL(server.url).port)
    const sockets = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        await once(socket, 'connect')
        socket.on('error', () => {})
        socket.on('data', () => {})
        socket.write(
          'GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        )
        return socket
      }),
    )
    await Promise.all(sockets.map(socket => once(socket, 'end')))
    // Writing to what the server has cut brings an error, or the end.
    const isCut = async () => {
      const closed = sockets.filter(socket => {
        if (!socket.destroyed) socket.write('x')
        return socket.destroyed
      })
      await new Promise(resolve => setTimeout(resolve, 50))
      return closed.length === sockets.length
    }
    await until(isCut, 'the server has let go of all')
  })

  test('a deletion under load waits for its turn, not for quiet', async () => {
    const token = await server.token('busy')
    const names = ['b1', 'b2', 'b3']
    const busy = names.map(name => stockProvider({ url: server.syncUrl, name, token }))
    stocks.push(...busy)
    await until(() => busy.every(one => one.provider.isSynced), 'synced')
    const typing = setInterval(() => {
      for (const one of busy) one.text.insert(0, 'x')
    }, 1)
    try {
      const startedAt = performance.now()
      const response = await server.fetch('/v1/documents/a', { method: 'DELETE' })
      expect(response.status).toBe(204)
      expect(performance.now() - startedAt).toBeLessThan(2_000)
    } finally {
      clearInterval(typing)
    }
  })

  test('more offline edits than one update may hold come back in one state', async () => {
    const offline = new Y.Doc()
    for (let i = 0; i < 6; i++) offline.getText('text').insert(0, 'x'.repeat(300_000))
    const token = await server.token('offline')
    const client = stockProvider({ url: server.syncUrl, name: 'c', token, document: offline })
    stocks.push(client)
    await until(() => client.provider.isSynced && !client.provider.hasUnsyncedChanges, 'stored')
    const response = await server.fetch('/v1/documents/c')
    expect(((await response.json()) as { bytes: number }).bytes).toBeGreaterThan(1_800_000)
  })
})

function payloadOf(rest: Uint8Array): Uint8Array {
  const doc = rest.subarray(1)
  let [length, shift, at] = [0, 0, 0]
  for (;;) {
    const byte = doc[at++] ?? 0
    length += (byte & 127) * 2 ** shift
    shift += 7
    if (byte < 128) return doc.subarray(at, at + length)
  }
}
