/** F18: updates at the limits and far past them. Refused by name, once, and in nobody's way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import { messageType, readFrame, readSyncStatus, syncFrame, syncStep } from '../../shared/frames.ts'
import { frameProxy, type FrameProxy } from '../../server/testing/frame-proxy.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { rawClient, type RawClient } from '../../server/testing/raw-client.ts'
import { until } from '../../server/testing/until.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'
import { STALL, stallWatch } from '../support/stall-watch.ts'

const MB = 1 << 20
/** How long a client is watched that was refused; the promise is 5 attempts in a minute. */
const watchMs = Number(process.env['WATCH_MS'] ?? 500)

describe('giant updates', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let server: ServerProcess
  let proxy: FrameProxy
  const raws: RawClient[] = []
  const clients: WeftClient[] = []

  beforeAll(async () => {
    folder = temporaryFolder()
    server = await ServerProcess.start({ dataDir: folder.path, settings: stallWatch })
    proxy = await frameProxy(server.syncUrl)
  })
  afterEach(async () => {
    for (const raw of raws.splice(0)) raw.close()
    await Promise.all(clients.splice(0).map(client => client.close()))
  })
  afterAll(async () => {
    await proxy.close()
    await server.kill()
    folder.remove()
  })

  const bytesOf = (bytes: number) => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'x'.repeat(bytes))
    return Y.encodeStateAsUpdate(doc)
  }
  /** Each in front of the last one: no two of them become one. */
  const prepend = (doc: Y.Doc, count: number) =>
    doc.transact(() => {
      for (let i = 0; i < count; i++) doc.getText('t').insert(0, 'x')
    })
  const structsOf = (count: number) => {
    const doc = new Y.Doc()
    prepend(doc, count)
    return Y.encodeStateAsUpdate(doc)
  }
  /** One socket that was let into some documents. */
  const enter = async (...names: readonly string[]) => {
    const raw = await rawClient(server.syncUrl)
    raws.push(raw)
    const token = await testToken('mallory')
    for (const name of names) raw.authenticate(name, token)
    const heardOf = () => raw.frames.filter(bytes => bytes.byteLength > 1).map(readFrame)
    const isIn = () => new Set(heardOf().map(({ address }) => address)).size === names.length
    await until(isIn, 'let in')
    const answers = (name: string) =>
      heardOf()
        .filter(({ type, address }) => type === messageType.syncStatus && address === name)
        .filter(({ decoder }) => readSyncStatus(decoder).saved).length
    const update = (name: string, bytes: Uint8Array) =>
      raw.send(syncFrame(name, syncStep.update, bytes))
    return {
      raw,
      update,
      refusals: () => raw.told().flatMap(({ error }) => error?.code ?? []),
      async saves(name: string, bytes: Uint8Array) {
        const before = answers(name)
        update(name, bytes)
        await until(() => answers(name) > before, 'acknowledged')
      },
    }
  }
  /** The longest time that the server computed without a pause; its start is not counted. */
  const longestTurnMs = (from: number) =>
    Math.max(
      0,
      ...server.log
        .slice(from)
        .filter(({ msg }) => msg === STALL)
        .map(({ cpuMs }) => Number(cpuMs)),
    )

  test('[F18] 0.9 MB and 20,000 structs are taken; 1.1 MB and 20,001 are refused; a neighbour goes on', async () => {
    const mallory = await enter('big', 'calm')
    const { raw, update, refusals } = mallory
    const from = server.log.length
    await mallory.saves('big', bytesOf(0.9 * MB))
    await mallory.saves('big', structsOf(20_000))
    expect(refusals()).toEqual([])
    for (const [i, giant] of [bytesOf(1.1 * MB), structsOf(20_001)].entries()) {
      update('big', giant)
      await until(() => refusals().length === i + 1, 'refused')
      await mallory.saves('calm', bytesOf(10))
    }
    expect(refusals()).toEqual(['UPDATE_TOO_LARGE', 'UPDATE_TOO_LARGE'])
    expect(raw.closed).toBeUndefined()
    process.stdout.write(`giant updates: longest turn ${longestTurnMs(from)} ms\n`)
    expect(longestTurnMs(from)).toBeLessThan(200)
  })

  test.each([10, 101])('[F18] a frame of %i MB: its socket ends, the others go on', async size => {
    const [mallory, calm] = [await enter('big'), await enter('calm')]
    const giant = bytesOf(size * MB)
    const from = server.log.length
    mallory.update('big', giant)
    await until(() => mallory.raw.closed !== undefined, 'closed')
    expect(mallory.raw.closed?.code).toBe(1009)
    await calm.saves('calm', bytesOf(10))
    expect(calm.raw.closed).toBeUndefined()
    expect(longestTurnMs(from)).toBeLessThan(200)
  })

  const paste = (size: number) => (doc: Y.Doc) =>
    doc.getText('t').insert(0, 'x'.repeat(Math.round(size * MB)))
  test.each([
    ['1.1 MB', paste(1.1)],
    ['10 MB', paste(10)],
    ['101 MB', paste(101)],
    ['20,001 structs', (doc: Y.Doc) => prepend(doc, 20_001)],
  ])('[F18] %s with the sdk: said, kept, not tried again and again', async (what, edit) => {
    const seen: string[] = []
    let large = 0
    proxy.meddle = (frame, direction) => {
      if (direction === 'up' && frame.byteLength > 100_000) large += 1
      return [frame]
    }
    const url = proxy.url.replace('ws', 'http')
    const token = await testToken('alice')
    const client = createClient({ url, token, offline: 'memory', WebSocket })
    clients.push(client)
    const [big, calm] = [client.open(`big/${what.replace(/\W/g, '-')}`), client.open('calm')]
    await Promise.all([big.whenSynced(), calm.whenSynced()])
    calm.subscribe(() => seen.push(calm.status.kind))
    edit(big.doc)
    await expect(big.whenSaved()).rejects.toMatchObject({ code: 'UPDATE_TOO_LARGE' })
    const startedAt = performance.now()
    do {
      calm.doc.getText('t').insert(0, 'y')
      await calm.whenSaved()
      await new Promise(resolve => setTimeout(resolve, 100))
    } while (performance.now() - startedAt < watchMs)
    expect(new Set(seen)).toEqual(new Set(['live']))
    expect(large).toBeLessThanOrEqual(5)
    // Too many structs for an edit are not too many for a state, as which the sdk offers them anew
    // some seconds later: then they are saved after all.
    const ends = what.endsWith('structs') ? ['not saving', 'saved'] : ['not saving']
    expect(ends).toContain(big.state.get().save.kind)
    process.stdout.write(`${large} attempts in ${Math.round(watchMs / 1_000)} s\n`)
  })
})
