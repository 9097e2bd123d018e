/** F11, F20: tokens that end while their holders are connected, by a clock that nobody can set. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { systemClock, type Clock } from '../shared/clock.ts'
import { syncFrame, syncStep } from '../shared/frames.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { stockProvider } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

/** Real time, which can be moved on: nobody waits half a minute for a token to be over. */
function movableClock() {
  let ahead = 0
  let wrong = 0
  const due = new Set<() => void>()
  const clock: Clock = {
    now: () => systemClock.now() + ahead + wrong,
    monotonic: () => systemClock.monotonic() + ahead,
    after(delayMs, action) {
      const at = clock.monotonic() + delayMs
      let cancel = () => {}
      const check = () => {
        cancel()
        const left = at - clock.monotonic()
        if (left > 0) cancel = systemClock.after(left, check)
        else {
          due.delete(check)
          action()
        }
      }
      due.add(check)
      cancel = systemClock.after(delayMs, check)
      return () => {
        due.delete(check)
        cancel()
      }
    },
  }
  return {
    clock,
    /** Time goes by. */
    pass: (ms: number) => {
      ahead += ms
      for (const check of Array.from(due)) check()
    },
    /** Somebody sets the wall clock. */
    set: (ms: number) => {
      wrong += ms
    },
  }
}

describe('the life of a token', () => {
  let server: TestApp
  const raws: RawClient[] = []
  afterEach(async () => {
    for (const client of raws.splice(0)) client.close()
    await server.stop()
  })

  const enter = async (token: string, name = 'a') => {
    const client = await rawClient(server.syncUrl)
    raws.push(client)
    client.authenticate(name, token)
    client.send(syncFrame(name, syncStep.step1, Y.encodeStateVector(new Y.Doc())))
    return client
  }
  const write = (client: RawClient, text: string, name = 'a') => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, text)
    client.send(syncFrame(name, syncStep.update, Y.encodeStateAsUpdate(doc)))
  }
  const stored = async () => {
    const response = await server.fetch('/v1/documents/a/content')
    return ((await response.json()) as { content: { text?: string } }).content.text ?? ''
  }

  test('[F20] before its end it writes, at its end it reads, half a minute later it is closed', async () => {
    const { clock, pass } = movableClock()
    server = await startTestApp({ parts: { clock } })
    const client = await enter(await server.token('ada', { ttl: 60 }))
    const asked = () => client.frames.filter(frame => isTokenQuestion(frame)).length
    await until(() => client.told().length === 0 && client.frames.length > 2, 'in')
    write(client, 'in time ')
    await until(async () => (await stored()) === 'in time ', 'stored')
    pass(50_000)
    await until(() => asked() > 0, 'a stock client is asked for another token, too')
    pass(11_000)
    await until(() => client.told().some(({ type }) => type === 'weft.access'), 'told')
    write(client, 'late ')
    await until(
      () => client.told().some(({ error }) => error?.code === 'TOKEN_EXPIRED'),
      'the write is refused',
    )
    expect(await stored()).toBe('in time ')
    expect(client.closed).toBeUndefined()
    pass(30_000)
    await until(() => client.closed !== undefined, 'closed')
    expect(client.closed).toEqual({ code: 4401, reason: 'TOKEN_EXPIRED' })
  })

  test('[F11] the server’s clock is set by an hour, either way: nobody notices', async () => {
    const { clock, set } = movableClock()
    server = await startTestApp({ parts: { clock } })
    const token = await server.token('ada', { ttl: 1_800 })
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    await until(() => client.provider.isSynced, 'in')
    for (const ms of [3_600_000, -7_200_000]) {
      set(ms)
      client.text.insert(0, 'x')
      await until(() => !client.provider.hasUnsyncedChanges, 'acknowledged')
    }
    expect(await stored()).toBe('xx')
    client.destroy()
  })

  test('[F11] a token that is made after the clock was set counts by the clock as it is', async () => {
    const { clock, set } = movableClock()
    server = await startTestApp({ parts: { clock } })
    const client = await enter(await server.token('ada', { ttl: 600 }))
    await until(() => client.frames.length > 2, 'in')
    set(-3_600_000)
    client.authenticate('a', await server.token('ada', { ttl: 600 }))
    write(client, 'with the second token')
    await until(async () => (await stored()) === 'with the second token', 'stored')
    expect(client.closed).toBeUndefined()
  })

  test('[F20] 1,000 tokens end in the same moment', async () => {
    const { clock, pass } = movableClock()
    server = await startTestApp({
      settings: { WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: '2000' },
      parts: { clock },
    })
    const token = await server.token('ada', { ttl: 3_600 })
    for (let i = 0; i < 20; i++) {
      await Promise.all(Array.from({ length: 50 }, () => enter(token)))
    }
    await until(() => raws.every(({ frames }) => frames.length > 2), 'all are in', 30_000)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    pass(3_601_000)
    const isTold = ({ told }: RawClient) => told().some(({ type }) => type === 'weft.access')
    await until(() => raws.every(isTold), 'all are told', 30_000)
    delay.disable()
    const longestMs = Math.round(delay.max / 1e6)
    process.stdout.write(`1,000 tokens ended; the event loop stood still for ${longestMs} ms\n`)
    // Quiet machines need some 25; this is for what would be wrong by itself.
    expect(longestMs).toBeLessThan(1_000)
    pass(31_000)
    await until(() => raws.every(({ closed }) => closed?.code === 4401), 'all are closed', 30_000)
  }, 120_000)
})

/** An auth message of kind 0 (token) that the server sends. */
function isTokenQuestion(frame: Uint8Array): boolean {
  const [length = 0] = frame
  return frame[length + 1] === 2 && frame[length + 2] === 0
}
