/** T7, T8, T14, T18: much of everything, from strangers and from guests; others go on, memory too. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { messageType, readFrame, statelessFrame, syncFrame, syncStep } from '../../shared/frames.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { rawClient, type RawClient } from '../../server/testing/raw-client.ts'
import { stockProvider } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { riseOf } from '../support/memory.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'

const MB = 1 << 20
const isSync = (bytes: Uint8Array) =>
  bytes.byteLength > 1 && readFrame(bytes).type === messageType.sync

describe('crowds', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let server: ServerProcess
  const streams: Socket[] = []
  const raws: RawClient[] = []

  beforeEach(async () => {
    folder = temporaryFolder()
    server = await ServerProcess.start({ dataDir: folder.path })
    // Whatever is made once has been made.
    await loginMs()
  })
  afterEach(async () => {
    for (const one of streams.splice(0)) one.destroy()
    for (const one of raws.splice(0)) one.close()
    await server.kill()
    folder.remove()
  })

  const pid = () => server.process.pid ?? 0
  /** How long somebody honest takes to be let in and synced. */
  const loginMs = async () => {
    const startedAt = performance.now()
    const token = await testToken('honest')
    const client = stockProvider({ url: server.syncUrl, name: 'calm', token })
    await until(() => client.provider.isSynced, 'let in')
    client.destroy()
    return performance.now() - startedAt
  }
  /** A WebSocket by hand, so that it can do what no library does. Resolves with its first line. */
  const dial = async (localAddress: string) => {
    const stream = connect({ port: server.port, host: '127.0.0.1', localAddress })
    streams.push(stream)
    stream.on('error', () => {})
    await once(stream, 'connect')
    stream.write(
      'GET /sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n',
    )
    const [answer] = (await once(stream, 'data')) as [Buffer]
    stream.resume()
    return { stream, answer: answer.toString('latin1') }
  }
  /** The head of a masked frame that says it holds `length` bytes; the mask is zero. */
  const frameHead = (length: number, { opcode = 2, fin = true } = {}) => {
    const head = Buffer.alloc(14)
    head[0] = (fin ? 0x80 : 0) | opcode
    head[1] = 0x80 | 127
    head.writeBigUInt64BE(BigInt(length), 2)
    return head
  }

  test('[T8] 5,000 idle strangers from 50 addresses: little memory, and others are let in', async () => {
    let accepted = 0
    const logins: number[] = []
    const rise = await riseOf(pid(), async () => {
      for (let round = 0; round < 100; round++) {
        const wave = Array.from({ length: 50 }, (_, i) => dial(`127.0.1.${i + 1}`))
        const answers = await Promise.all(wave)
        accepted += answers.filter(({ answer }) => answer.includes(' 101 ')).length
        if (round % 5 === 4) logins.push(await loginMs())
      }
    })
    const slowest = Math.max(...logins)
    process.stdout.write(
      `5,000 strangers: ${accepted} accepted, +${(rise / MB).toFixed(0)} MB, ` +
        `slowest login ${slowest.toFixed(0)} ms\n`,
    )
    expect(accepted).toBeLessThan(2_200)
    expect(rise).toBeLessThan(100 * MB)
    expect(slowest).toBeLessThan(1_000)
  })

  test('[T8] one address may not have more than 200 of them', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, () => dial('127.0.2.1')))
    const accepted = answers.filter(({ answer }) => answer.includes(' 101 ')).length
    expect(accepted).toBe(200)
    expect(answers.find(({ answer }) => !answer.includes(' 101 '))?.answer).toContain('SLOW_DOWN')
  })

  test('[T8] megabytes before a token are not even read', async () => {
    const rise = await riseOf(pid(), async () => {
      const strangers = await Promise.all(
        Array.from({ length: 100 }, () => rawClient(server.syncUrl)),
      )
      raws.push(...strangers)
      const megabyte = statelessFrame('a', 'x'.repeat(MB))
      for (const one of strangers) for (let i = 0; i < 4; i++) one.send(megabyte)
      expect(await loginMs()).toBeLessThan(1_000)
    })
    process.stdout.write(`400 MB before a token: +${(rise / MB).toFixed(0)} MB\n`)
    expect(rise).toBeLessThan(100 * MB)
  })

  test('[T14] a frame of strangers that never ends: the socket rests, and is closed in time', async () => {
    let open = 0
    const rise = await riseOf(pid(), async () => {
      const dialled = await Promise.all(Array.from({ length: 100 }, () => dial('127.0.3.1')))
      for (const { stream } of dialled) {
        open += 1
        stream.once('close', () => (open -= 1))
        stream.write(frameHead(7 * MB))
        stream.write(Buffer.alloc(6 * MB))
      }
      expect(await loginMs()).toBeLessThan(1_000)
      await until(() => open === 0, 'all closed', 15_000)
    })
    process.stdout.write(`600 MB of endless frames: +${(rise / MB).toFixed(0)} MB\n`)
    expect(rise).toBeLessThan(100 * MB)
  })

  test('[T14] deflate is not negotiated, and a deflated frame ends its socket', async () => {
    const { answer } = await dial('127.0.0.1')
    expect(answer).toContain(' 101 ')
    expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions')
    const client = await rawClient(server.syncUrl)
    raws.push(client)
    expect(client.socket.extensions).toBe('')
    const { stream } = await dial('127.0.0.1')
    // RSV1 says: deflated.
    stream.write(Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 7]))
    await once(stream, 'close')
  })

  test('[T14] 100,000 empty fragments, slow ones, and a frame beyond the limit', async () => {
    const guest = async () => {
      const client = await rawClient(server.syncUrl)
      raws.push(client)
      client.authenticate('calm', await testToken('mallory'))
      await until(() => client.frames.length > 0, 'let in')
      return client
    }
    const rise = await riseOf(pid(), async () => {
      const empty = await guest()
      for (let i = 0; i < 100_000 && empty.closed === undefined; i++) {
        empty.socket.send(new Uint8Array(0), { fin: false })
        if (i % 5_000 === 0) await new Promise(resolve => setImmediate(resolve))
      }
      await until(() => empty.closed !== undefined, 'closed')
      expect(empty.closed?.code).toBe(1008)
      const huge = await guest()
      huge.send(new Uint8Array(5 * MB))
      await until(() => huge.closed !== undefined, 'closed')
      expect(huge.closed).toEqual({ code: 4413, reason: 'FRAME_TOO_LARGE' })
      const larger = await guest()
      larger.send(new Uint8Array(9 * MB))
      await until(() => larger.closed !== undefined, 'closed')
      expect(larger.closed?.code).toBe(1009)
      expect(await loginMs()).toBeLessThan(1_000)
    })
    expect(rise).toBeLessThan(80 * MB)
  })

  test('[T7] one socket asks for 20,000 documents: 50 are opened, the rest is told why', async () => {
    // It is another limit that is looked at; by its pace alone it would take minutes.
    await server.kill()
    const settings = { WEFT_CONNECTION_FRAMES_PER_SECOND: '100000' }
    server = await ServerProcess.start({ dataDir: folder.path, settings })
    await loginMs()
    const client = await rawClient(server.syncUrl)
    raws.push(client)
    const token = await testToken('mallory')
    const rise = await riseOf(pid(), async () => {
      for (let i = 0; i < 20_000; i++) {
        client.authenticate(`doc${i}`, token)
        if (i % 200 === 0) await new Promise(resolve => setImmediate(resolve))
      }
      await until(() => client.told().length >= 19_950, 'told', 30_000)
      expect(await loginMs()).toBeLessThan(1_000)
    })
    expect(new Set(client.told().flatMap(({ error }) => error?.code ?? []))).toEqual(
      new Set(['TOO_MANY_DOCUMENTS']),
    )
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const loads = Number(/^weft_document_loads_total(?:\{.*\})? (\d+)$/m.exec(metrics)?.[1])
    process.stdout.write(`20,000 documents asked: ${loads} loads, +${(rise / MB).toFixed(0)} MB\n`)
    // Fifty, and the honest one's.
    expect(loads).toBeLessThanOrEqual(51)
    expect(rise).toBeLessThan(100 * MB)
  })

  test('[T18] 300 MB for a document that is still opening: kept up to a limit', async () => {
    // A seed that takes its time.
    const hooks = join(folder.path, 'hooks.mjs')
    writeFileSync(
      hooks,
      `const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
       export default {
         seed: async name => { if (name === 'slow') await wait(5_000) },
       }`,
    )
    await server.kill()
    const settings = {
      WEFT_HOOKS: hooks,
      // What is looked at is what waits, not how fast it comes.
      WEFT_CONNECTION_BYTES_PER_SECOND: String(1 << 30),
      WEFT_DOCUMENT_BYTES_PER_SECOND: String(1 << 30),
    }
    server = await ServerProcess.start({ dataDir: folder.path, settings })
    await loginMs()
    const client = await rawClient(server.syncUrl)
    raws.push(client)
    const doc = new Y.Doc()
    doc.getText('junk').insert(0, 'x'.repeat(500_000))
    const frame = syncFrame('slow', syncStep.update, Y.encodeStateAsUpdate(doc))
    client.authenticate('slow', await testToken('mallory'))
    const whileOpening = await riseOf(pid(), async () => {
      for (let i = 0; i < 600; i++) client.send(frame)
      expect(await loginMs()).toBeLessThan(1_000)
      await new Promise(resolve => setTimeout(resolve, 3_000))
      expect(await loginMs()).toBeLessThan(1_000)
    })
    // Not read, so it lies where it comes from.
    expect(client.socket.bufferedAmount).toBeGreaterThan(200 * MB)
    expect(client.frames.some(isSync)).toBe(false)
    const whileRead = await riseOf(pid(), async () => {
      await until(() => client.socket.bufferedAmount === 0, 'all is read in the end', 30_000)
      client.send(syncFrame('slow', syncStep.step1, Uint8Array.of(0)))
      await until(() => client.frames.some(isSync), 'it opens all the same')
    })
    process.stdout.write(
      `600 x 500 KB: +${(whileOpening / MB).toFixed(0)} MB while the document opens, ` +
        `+${(whileRead / MB).toFixed(0)} MB while it is read\n`,
    )
    expect(whileOpening).toBeLessThan(20 * MB)
    // What V8 works with at that speed; nothing of it stays.
    expect(whileRead).toBeLessThan(250 * MB)
    expect(client.closed).toBeUndefined()
  })
})
