/** T13, T16: bytes that say they hold more than they do, or hold more than anybody needs. */
import { randomBytes } from 'node:crypto'
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { syncFrame, syncStep } from '../shared/frames.ts'
import { rawMember, type RawMember } from './testing/raw-member.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const NAME = 'a'

describe('heavy payloads', () => {
  let server: TestApp
  let bystander: StockClient
  const members: RawMember[] = []
  const enter = async () => {
    const member = await rawMember(server, { name: NAME })
    members.push(member)
    return member
  }
  beforeEach(async () => {
    server = await startTestApp()
    const token = await server.token('bystander')
    bystander = stockProvider({ url: server.syncUrl, name: NAME, token })
    await until(() => bystander.provider.isSynced, 'synced')
  })
  afterEach(async () => {
    for (const one of members.splice(0)) one.close()
    bystander.destroy()
    await server.stop()
  })
  const bystanderSaves = async (text: string) => {
    bystander.text.insert(0, text)
    await until(() => !bystander.provider.hasUnsyncedChanges, 'acknowledged')
    expect(bystander.closes).toEqual([])
  }
  const numbers = (...values: readonly number[]) => {
    const encoder = encoding.createEncoder()
    for (const value of values) encoding.writeVarUint(encoder, value)
    return encoding.toUint8Array(encoder)
  }
  const vectorOf = (entries: number) => {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, entries)
    for (let i = 1; i <= entries; i++) {
      encoding.writeVarUint(encoder, i)
      encoding.writeVarUint(encoder, 1)
    }
    return encoding.toUint8Array(encoder)
  }
  /** Deletes every second character of the given client. */
  const deletesOf = (client: number, ranges: number) => {
    const encoder = encoding.createEncoder()
    for (const value of [0, 1, client, ranges]) encoding.writeVarUint(encoder, value)
    for (let i = 0; i < ranges; i++) {
      encoding.writeVarUint(encoder, 2 * i)
      encoding.writeVarUint(encoder, 1)
    }
    return encoding.toUint8Array(encoder)
  }
  /** How long nothing else could happen in this process. */
  const stallOf = async (action: () => Promise<unknown>) => {
    let [last, longest] = [performance.now(), 0]
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
    }, 1)
    await action()
    clearInterval(timer)
    return longest
  }
  /** The least of three: what else the machine does only ever adds to it. */
  const leastStallOf = async (action: () => Promise<unknown>) => {
    const stalls = []
    for (let i = 0; i < 3; i++) stalls.push(await stallOf(action))
    return Math.min(...stalls)
  }

  test('[T13] a state vector with 10,000 entries is answered, with 10,001 it is refused', async () => {
    const mallory = await enter()
    const before = mallory.frames.length
    mallory.sendStep1(vectorOf(10_000))
    await until(() => mallory.frames.length > before, 'answered')
    expect(mallory.refusals()).toEqual([])
    mallory.sendStep1(vectorOf(10_001))
    await until(() => mallory.refusals().includes('UPDATE_TOO_LARGE'), 'refused')
    await bystanderSaves('fine')
  })

  test('[T13] a state vector with a million entries: refused unread', async () => {
    const mallory = await enter()
    const vector = vectorOf(1_000_000).subarray(0, 3_900_000)
    const stall = await leastStallOf(async () => {
      const before = mallory.refusals().length
      mallory.sendStep1(vector)
      await until(() => mallory.refusals().length > before, 'refused')
      await bystanderSaves('fine')
    })
    expect(new Set(mallory.refusals())).toEqual(new Set(['UPDATE_TOO_LARGE']))
    expect(stall).toBeLessThan(100)
  })

  test('[T13] delete sets: 20,000 ranges are taken, 20,001 and a million are refused', async () => {
    const mallory = await enter()
    bystander.text.insert(0, 'x'.repeat(50_000))
    await bystanderSaves('y')
    const client = bystander.doc.clientID
    mallory.sendUpdate(deletesOf(client, 20_001))
    await until(() => mallory.refusals().length === 1, 'told')
    mallory.sendUpdate(deletesOf(client, 200_000))
    await until(() => mallory.refusals().length === 2, 'told')
    expect(mallory.refusals()).toEqual(['UPDATE_TOO_LARGE', 'UPDATE_TOO_LARGE'])
    expect(bystander.text.length).toBe(50_001)
    mallory.sendUpdate(deletesOf(client, 20_000))
    await until(() => bystander.text.length === 30_001, 'the most that is allowed')
    await bystanderSaves('z')
  })

  test('[T13] a million deleted ranges in a handshake: refused, and the loop goes on', async () => {
    const mallory = await enter()
    // Small clocks over and over: the largest number of ranges that fits into a frame.
    const ranges = 1_000_000
    const head = numbers(0, 1, bystander.doc.clientID, ranges)
    const body = new Uint8Array(2 * ranges).fill(1)
    const stall = await leastStallOf(async () => {
      const before = mallory.refusals().length
      mallory.sendStep2(Buffer.concat([head, body]))
      await until(() => mallory.refusals().length > before, 'refused')
      await bystanderSaves('fine')
    })
    expect(mallory.refusals()[0]).toBe('UPDATE_TOO_LARGE')
    expect(stall).toBeLessThan(500)
  })

  test('[T13] a count of a million million and no bytes behind it', async () => {
    const mallory = await enter()
    mallory.sendUpdate(numbers(10 ** 12))
    mallory.sendUpdate(numbers(1, 10 ** 12, 7, 0))
    mallory.sendUpdate(numbers(0, 1, 7, 10 ** 12))
    mallory.sendStep1(numbers(10 ** 12))
    await until(() => mallory.refusals().length === 4, 'refused')
    await bystanderSaves('fine')
  })

  test('[T16] a value that claims bytes of others: none come back, in 120 rounds', async () => {
    // ContentBinary of 3,000 bytes, of which not one is there.
    const claim = Uint8Array.of(1, 1, 9, 0, 3, 1, 1, 97, 0xb8, 0x17)
    const mallory = await enter()
    for (let round = 0; round < 120; round++) {
      // Something worth reading in the pool that ws takes its buffers from.
      const secret = Buffer.allocUnsafe(3_500)
      randomBytes(3_500).copy(secret)
      const frame = syncFrame(NAME, syncStep.update, claim)
      mallory.socket.send(frame.subarray(0, 4), { fin: false })
      mallory.socket.send(frame.subarray(4), { fin: true })
    }
    await until(() => mallory.refusals().length === 120, 'all refused')
    expect(new Set(mallory.refusals())).toEqual(new Set(['UPDATE_INVALID']))
    await bystanderSaves('fine')
    const reader = await enter()
    expect(reader.copy().getArray('a').toJSON()).toEqual([])
    expect(Y.encodeStateAsUpdate(reader.copy()).byteLength).toBeLessThan(100)
    const stored = await server.fetch(`/v1/documents/${NAME}`)
    expect(((await stored.json()) as { bytes: number }).bytes).toBeLessThan(200)
  })
})
