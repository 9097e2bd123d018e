/** What waits for documents that are opening: not read on, and nobody else's for long. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { readFrame, messageType, syncFrame, syncStep } from '../../shared/frames.ts'
import { rawClient, type RawClient } from '../testing/raw-client.ts'
import { stockProvider, stockSocket, stockYProvider } from '../testing/stock-clients.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

const KB = 1 << 10

describe('a backlog', () => {
  let server: TestApp
  let openSlow = () => {}
  /** Somebody known is waiting for it: of strangers less is kept. */
  let isSlowOpening = false
  const ends: (() => void)[] = []

  beforeEach(async () => {
    isSlowOpening = false
    const opened = new Promise<void>(resolve => {
      openSlow = resolve
    })
    const seed = async (name: string) => {
      if (name !== 'slow') return undefined
      isSlowOpening = true
      await opened
      return undefined
    }
    server = await startTestApp({ parts: { hooks: { seed } } })
  })
  afterEach(async () => {
    openSlow()
    for (const end of ends.splice(0)) end()
    await server.stop()
  })

  const raw = async (): Promise<RawClient> => {
    const client = await rawClient(server.syncUrl)
    ends.push(client.close)
    return client
  }
  const update = (length: number) => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'x'.repeat(length))
    return Y.encodeStateAsUpdate(doc)
  }
  const letIn = (client: RawClient, name: string) => () =>
    client.frames
      .filter(bytes => bytes.byteLength > 1)
      .map(readFrame)
      .some(({ type, address }) => type === messageType.sync && address === name)

  test('[T6] beyond a megabyte a socket is not read, and others on it wait, and not for ever', async () => {
    const client = await raw()
    const token = await server.token('ada')
    client.authenticate('quick', token)
    client.send(syncFrame('quick', syncStep.step1, Uint8Array.of(0)))
    await until(letIn(client, 'quick'), 'let in')
    client.authenticate('slow', token)
    await until(() => isSlowOpening, 'it is opening')
    const large = syncFrame('slow', syncStep.update, update(400 * KB))
    for (let i = 0; i < 5; i++) client.send(large)
    const isState = ({ address, type, decoder }: ReturnType<typeof readFrame>) =>
      address === 'quick' &&
      type === messageType.sync &&
      decoder.arr[decoder.pos] === syncStep.step2
    const answered = () =>
      client.frames
        .filter(bytes => bytes.byteLength > 1)
        .map(readFrame)
        .filter(isState).length
    await until(() => answered() === 1, 'the first question is answered')
    const before = answered()
    const askedAt = performance.now()
    client.send(syncFrame('quick', syncStep.step1, Uint8Array.of(0)))
    await until(() => answered() > before, 'the other document is answered', 20_000)
    // It came behind two megabytes, of which one had to be let go of.
    expect(performance.now() - askedAt).toBeGreaterThan(1_500)
    expect(client.closed).toBeUndefined()
  })

  test('[T6] many small frames count too', async () => {
    const client = await raw()
    client.authenticate('slow', await server.token('ada'))
    client.send(syncFrame('slow', syncStep.step1, Uint8Array.of(0)))
    await until(() => client.frames.length > 0, 'admitted')
    const received = () => server.app.metrics.tally.framesReceived
    const before = received()
    for (let i = 0; i < 1_000; i++) client.send(syncFrame('slow', syncStep.update, update(1)))
    for (let i = 0; i < 300; i++) client.send(syncFrame('slow', syncStep.update, update(400)))
    await until(() => received() > before + 64, 'some are read')
    await new Promise(resolve => setTimeout(resolve, 300))
    // One reading of the socket brings a few hundred of the small ones.
    expect(received() - before).toBeLessThan(1_300)
    openSlow()
    await until(() => received() - before === 1_300, 'all are read')
    await until(letIn(client, 'slow'), 'let in')
  })

  test('[T6] what was not kept comes again with the handshake', async () => {
    const socket = stockSocket(server.syncUrl)
    const token = await server.token('ada')
    const slow = stockProvider({ url: server.syncUrl, name: 'slow', token, socket })
    const quick = stockProvider({ url: server.syncUrl, name: 'quick', token, socket })
    ends.push(() => {
      slow.destroy()
      quick.destroy()
      socket.destroy()
    })
    await until(() => quick.provider.isSynced, 'the other is live')
    await until(() => slow.provider.isAuthenticated, 'admitted')
    for (let i = 0; i < 5; i++) slow.text.insert(0, 'y'.repeat(300 * KB))
    quick.text.insert(0, 'meanwhile')
    await until(() => !quick.provider.hasUnsyncedChanges, 'the other is acknowledged')
    openSlow()
    await until(() => slow.provider.isSynced && !slow.provider.hasUnsyncedChanges, 'all is there')
    const answer = await server.fetch('/v1/documents/slow/content')
    const { content } = (await answer.json()) as { content: { text: string } }
    expect(content.text.length).toBe(5 * 300 * KB)
    expect(slow.failures).toEqual([])
  })

  test('[T6] a y-websocket client that says too much to a document that stays closed comes back', async () => {
    const client = stockYProvider({
      url: server.yUrl,
      name: 'slow',
      token: await server.token('ada'),
    })
    ends.push(client.destroy)
    await until(() => client.provider.wsconnected, 'connected')
    for (let i = 0; i < 5; i++) client.text.insert(0, 'y'.repeat(300 * KB))
    await until(() => client.closes.length > 0, 'closed')
    expect(client.closes[0]?.code).toBe(4529)
    openSlow()
    await until(() => client.provider.synced, 'back')
    await until(async () => {
      const answer = await server.fetch('/v1/documents/slow/content')
      const { content } = (await answer.json()) as { content: { text?: string } }
      return content.text?.length === 5 * 300 * KB
    }, 'all is there')
  })
})
