/** [G9] One frame is dropped, doubled, reordered or spoiled: all replicas are equal, by themselves. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type * as Y from 'yjs'
import { createClient, type DocumentHandle, type WeftClient } from '../client/sdk/index.ts'
import { digestOf } from '../shared/digest.ts'
import { messageType, readFrame } from '../shared/frames.ts'
import { frameProxy, type Direction, type FrameProxy } from './testing/frame-proxy.ts'
import { stockProvider, stockSocket, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

type Fault = 'dropped' | 'doubled' | 'reordered' | 'spoiled'
const faults: readonly Fault[] = ['dropped', 'doubled', 'reordered', 'spoiled']
const directions: readonly Direction[] = ['up', 'down']

let server: TestApp
let proxy: FrameProxy
const clients: WeftClient[] = []
const stocks: StockClient[] = []
beforeEach(async () => {
  server = await startTestApp()
  proxy = await frameProxy(server.syncUrl)
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close()))
  for (const one of stocks.splice(0)) one.destroy()
  await proxy.close()
  await server.stop()
})

/** Does it once, to the next frame that carries an update. */
function meddleOnce(fault: Fault, direction: Direction): { readonly done: () => boolean } {
  let done = false
  let held: Uint8Array | undefined
  proxy.meddle = (frame, way) => {
    if (held !== undefined && way === direction) {
      const late = held
      held = undefined
      return [frame, late]
    }
    if (done || way !== direction || !carriesUpdate(frame)) return [frame]
    done = true
    if (fault === 'dropped') return []
    if (fault === 'doubled') return [frame, frame]
    if (fault === 'reordered') {
      held = frame
      return []
    }
    return [Uint8Array.from(frame, (byte, i) => (i > frame.length - 4 ? byte ^ 255 : byte))]
  }
  return { done: () => done }
}

function carriesUpdate(frame: Uint8Array): boolean {
  if (frame.byteLength < 2) return false
  const { type, decoder } = readFrame(frame)
  return type === messageType.sync && decoder.arr[decoder.pos] === 2
}

const sameEverywhere = (docs: readonly Y.Doc[]) =>
  until(() => new Set(docs.map(digestOf)).size === 1, 'all replicas are equal', 10_000)

describe('[G9] the sdk', () => {
  const open = async (url: string, name: string): Promise<DocumentHandle> => {
    const client = createClient({ url, token: () => server.token('ada'), offline: 'memory' })
    clients.push(client)
    const handle = client.open(name)
    await handle.whenSynced()
    return handle
  }

  for (const direction of directions) {
    test.each(faults)(`a frame ${direction} is %s`, { timeout: 30_000 }, async fault => {
      const far = await open(proxy.url, 'a')
      const near = await open(server.url, 'a')
      const writer = direction === 'up' ? far : near
      writer.doc.getText('t').insert(0, 'first ')
      await writer.whenSaved()
      const meddling = meddleOnce(fault, direction)
      writer.doc.getText('t').insert(0, 'hurt ')
      await until(meddling.done, 'it happened')
      if (fault === 'reordered') writer.doc.getText('t').insert(0, 'next ')
      await sameEverywhere([far.doc, near.doc])
      await until(() => far.saved && near.saved, 'saved', 15_000)
      expect(far.doc.getText('t').toString()).toContain('hurt ')
    })
  }

  test(
    'an acknowledgement is lost: saved all the same, and not too early',
    { timeout: 30_000 },
    async () => {
      const far = await open(proxy.url, 'a')
      far.doc.getText('t').insert(0, 'first ')
      await far.whenSaved()
      let dropped = 0
      proxy.meddle = (frame, way) => {
        const isAck =
          way === 'down' && frame.byteLength > 1 && readFrame(frame).type === messageType.syncStatus
        if (!isAck || dropped > 0) return [frame]
        dropped += 1
        return []
      }
      far.doc.getText('t').insert(0, 'x')
      await until(() => dropped === 1, 'lost')
      expect(far.saved).toBe(false)
      await until(() => far.saved, 'saved', 15_000)
      expect(await server.app.documents.head('a' as never)).toMatchObject({ seq: 2 })
    },
  )

  test(
    'a deletion that was lost is found, although the state vectors agree',
    { timeout: 30_000 },
    async () => {
      const far = await open(proxy.url, 'a')
      const near = await open(server.url, 'a')
      near.doc.getText('t').insert(0, 'abc')
      await near.whenSaved()
      await sameEverywhere([far.doc, near.doc])
      const meddling = meddleOnce('dropped', 'down')
      near.doc.getText('t').delete(0, 3)
      await until(meddling.done, 'lost')
      await sameEverywhere([far.doc, near.doc])
      expect(far.doc.getText('t').toString()).toBe('')
      expect(await server.metric('weft_divergence_total')).toBeGreaterThan(0)
    },
  )

  test(
    'replicas that differ for good: a visible error, and a metric',
    { timeout: 60_000 },
    async () => {
      const far = await open(proxy.url, 'a')
      const near = await open(server.url, 'a')
      // Nothing of what the server says about the content gets through any more.
      proxy.meddle = (frame, way) => {
        if (way === 'up' || frame.byteLength < 2) return [frame]
        const { type, decoder } = readFrame(frame)
        const isContent = type === messageType.sync && decoder.arr[decoder.pos] !== 0
        return isContent ? [] : [frame]
      }
      near.doc.getText('t').insert(0, 'unseen')
      await near.whenSaved()
      await until(() => far.status.kind === 'refused', 'told', 40_000)
      expect(far.status).toMatchObject({ error: { code: 'REPLICAS_DIFFER', retryable: false } })
      proxy.meddle = frame => [frame]
      far.retry()
      await sameEverywhere([far.doc, near.doc])
    },
  )
})

describe('[G9] stock providers', () => {
  test.each([1, 20])(
    'each fault in each direction, %i documents on the socket',
    { timeout: 120_000 },
    async count => {
      const token = await server.token('ada')
      const socket = stockSocket(proxy.url)
      const names = Array.from({ length: count }, (_, i) => `doc-${i}`)
      const far = names.map(name => stockProvider({ url: proxy.url, name, token, socket }))
      const near = names.map(name => stockProvider({ url: server.syncUrl, name, token }))
      stocks.push(...far, ...near)
      await until(() => [...far, ...near].every(one => one.provider.isSynced), 'synced')
      for (const direction of directions) {
        for (const fault of faults) {
          const writer = (direction === 'up' ? far : near)[0]
          const meddling = meddleOnce(fault, direction)
          writer?.text.insert(0, `${fault} ${direction} `)
          await until(meddling.done, `${fault} ${direction}`)
          if (fault === 'reordered') writer?.text.insert(0, 'next ')
          const pair = [far[0], near[0]].flatMap(one => one?.doc ?? [])
          await sameEverywhere(pair)
          expect(pair[0]?.getText('text').toString()).toContain(`${fault} ${direction}`)
        }
      }
      for (const [i, one] of far.entries()) {
        one.text.insert(0, 'alive ')
        await until(
          () => near[i]?.text.toString().includes('alive ') === true,
          `document ${i} lives`,
        )
      }
      socket.destroy()
    },
  )
})
