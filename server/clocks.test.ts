/** F10, F11: clocks that are wrong, and clocks that somebody sets while everybody works. */
import { SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../shared/clock.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, testSecret, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const HOUR_MS = 3_600_000

/** A wall clock that can be set; spans and timers go on as they do in the real one. */
function settableClock() {
  let offset = 0
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + offset }
  return {
    clock,
    step: (ms: number) => {
      offset += ms
    },
  }
}

describe('clocks', () => {
  let server: TestApp
  const stocks: StockClient[] = []
  const key = new TextEncoder().encode(testSecret)
  const tokenUntil = (seconds: number, sub = 'alice') =>
    new SignJWT({ grants: [{ resource: '**', role: 'owner' }] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(sub)
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(key)
  const open = (token: string, name = 'a') => {
    const client = stockProvider({ url: server.syncUrl, name, token })
    stocks.push(client)
    return client
  }
  afterEach(async () => {
    for (const one of stocks.splice(0)) one.destroy()
    await server.stop()
  })

  test('[F10] a token that ran out 29 seconds ago is taken, 31 seconds ago it is not', async () => {
    server = await startTestApp()
    const late = open(await tokenUntil(-28))
    await until(() => late.provider.isSynced, 'let in')
    const over = open(await tokenUntil(-31))
    await until(() => over.failures.length > 0, 'refused')
    expect(over.failures).toEqual(['TOKEN_EXPIRED'])
    const headers = async (seconds: number) => ({
      authorization: `Bearer ${await tokenUntil(seconds)}`,
    })
    const list = `${server.url}/v1/documents`
    expect((await fetch(list, { headers: await headers(-28) })).status).toBe(200)
    expect((await fetch(list, { headers: await headers(-31) })).status).toBe(401)
  })

  test('[F10] a token within the tolerance may do what it says, not only enter', async () => {
    server = await startTestApp()
    const late = open(await tokenUntil(-20))
    await until(() => late.provider.isSynced, 'let in')
    late.text.insert(0, 'in time')
    await until(() => !late.provider.hasUnsyncedChanges, 'acknowledged')
  })

  test.each([
    ['a client an hour behind', -HOUR_MS],
    ['a client an hour ahead', HOUR_MS],
    ['a client ten years ahead', 87_600 * HOUR_MS],
  ])('[F10] %s: its edits arrive in order, its presence stays', async (_what, skew) => {
    // The server's clock is the wrong one, seen from the clients: only the difference counts.
    const { clock, step } = settableClock()
    step(-skew)
    server = await startTestApp({ parts: { clock } })
    const [alice, bob] = [open(await server.token('alice')), open(await server.token('bob'))]
    await until(() => alice.provider.isSynced && bob.provider.isSynced, 'synced')
    alice.provider.setAwarenessField('user', { name: 'Alice' })
    for (let i = 0; i < 20; i++) {
      const author = i % 2 === 0 ? alice : bob
      const reader = i % 2 === 0 ? bob : alice
      author.text.insert(author.text.length, `${i} `)
      await until(() => reader.text.toString() === author.text.toString(), 'seen')
    }
    expect(alice.text.toString()).toBe(Array.from({ length: 20 }, (_, i) => `${i} `).join(''))
    await until(() => stocks.every(({ provider }) => !provider.hasUnsyncedChanges), 'stored')
    await until(
      () => bob.provider.awareness?.getStates().has(alice.doc.clientID) === true,
      'presence',
    )
  })

  test('[F11] the server’s clock jumps an hour ahead and back: nobody notices', async () => {
    const { clock, step } = settableClock()
    server = await startTestApp({
      settings: { WEFT_DOCUMENT_IDLE_MS: '200', WEFT_PING_INTERVAL_MS: '200' },
      parts: { clock },
    })
    const [alice, bob] = [
      open(await server.token('alice', { ttl: 86_400 })),
      open(await server.token('bob', { ttl: 86_400 })),
    ]
    await until(() => alice.provider.isSynced && bob.provider.isSynced, 'synced')
    alice.provider.setAwarenessField('user', { name: 'Alice' })
    const present = () => bob.provider.awareness?.getStates().has(alice.doc.clientID) === true
    await until(present, 'presence')
    const seqs: number[] = []
    for (const jump of [HOUR_MS, -HOUR_MS, -HOUR_MS, HOUR_MS, 0]) {
      step(jump)
      alice.text.insert(0, 'x')
      await until(() => !alice.provider.hasUnsyncedChanges, 'acknowledged')
      await until(() => bob.text.toString() === alice.text.toString(), 'seen')
      const { seq } = (await server.app.documents.head('a' as never)) ?? { seq: 0 }
      seqs.push(seq)
      // Longer than two pings and the idle time: whoever measures by the wall clock acts now.
      await new Promise(resolve => setTimeout(resolve, 700))
      expect(present()).toBe(true)
    }
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    expect([...alice.closes, ...bob.closes]).toEqual([])
    for (const one of stocks.splice(0)) one.destroy()
    step(-HOUR_MS)
    await until(() => server.app.documents.liveCount === 0, 'let go after the idle time', 3_000)
    const again = open(await server.token('carol', { ttl: 86_400 }))
    await until(() => again.text.toString() === 'xxxxx', 'all of it is there')
  })
})
