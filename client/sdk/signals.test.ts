/** Signals through the sdk: a promise for each, listeners, and topics that outlive the connection. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AppHooks } from '../../server/app-signals.ts'
import { tcpProxy } from '../../server/testing/tcp-proxy.ts'
import { startTestApp, type TestApp } from '../../server/testing/test-app.ts'
import { until } from '../../server/testing/until.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import type { SignalEnvelope } from '../../shared/signals.ts'
import { createClient, type WeftClient } from './index.ts'
import { FollowedTopics } from './signals/followed-topics.ts'
import { SignalDesk } from './signals/signal-desk.ts'
import { WeftError } from '../../shared/errors.ts'

describe('signals of the sdk', () => {
  let server: TestApp
  const ends: (() => unknown)[] = []
  const start = async (hooks: AppHooks = {}, settings: Record<string, string> = {}) => {
    server = await startTestApp({ parts: { hooks }, settings })
  }
  const client = (sub: string, url = server.url): WeftClient => {
    const made = createClient({ url, token: () => server.token(sub), offline: 'memory' })
    ends.push(() => made.close())
    return made
  }
  const open = async (sub: string, url?: string) => {
    const handle = client(sub, url).open('acme/notes')
    await handle.whenSynced()
    return handle
  }
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await server.stop()
  })

  test('sent, counted, heard by type and by pattern; one’s own are not', async () => {
    await start()
    const [ada, bob] = [await open('ada'), await open('bob')]
    const heard: Record<string, SignalEnvelope[]> = { exact: [], chat: [], all: [], own: [] }
    bob.onSignal('chat.message', signal => heard['exact']?.push(signal))
    const stop = bob.onSignal('chat.*', signal => heard['chat']?.push(signal))
    bob.onSignal('*', signal => heard['all']?.push(signal))
    ada.onSignal('*', signal => heard['own']?.push(signal))
    const sent = await ada.signal('chat.message', { text: 'hi' })
    expect(sent.id).toMatch(/^\w{26}$/)
    expect(sent.receivers).toBe(1)
    await ada.signal('other')
    await until(() => heard['all']?.length === 2, 'heard')
    stop()
    await ada.signal('chat.message', { text: 'again' }, { user: 'bob' })
    expect((await ada.signal('chat.message', null, { user: 'nobody' })).receivers).toBe(0)
    await until(() => heard['all']?.length === 3, 'heard')
    expect(heard['exact']?.map(({ data }) => data)).toEqual([{ text: 'hi' }, { text: 'again' }])
    expect(heard['chat']).toEqual([heard['exact']?.[0]])
    expect(heard['all']?.[1]).toMatchObject({ type: 'other', data: null, from: { id: 'ada' } })
    expect(heard['own']).toEqual([])
  })

  test('refused: with the error of the server; not connected: at once, and not queued', async () => {
    await start({ signals: { types: { known: () => 1 }, topics: ['news'] } })
    const early = client('eve').open('acme/notes')
    const heard: SignalEnvelope[] = []
    await expect(early.signal('known')).rejects.toMatchObject({
      code: 'DOCUMENT_UNAVAILABLE',
      retryable: true,
    })
    await early.whenSynced()
    const ada = await open('ada')
    early.onSignal('*', signal => heard.push(signal))
    await expect(ada.signal('unknown')).rejects.toMatchObject({ code: 'SIGNAL_INVALID' })
    await expect(ada.signal('known', null, { topic: 'x' })).rejects.toBeInstanceOf(WeftError)
    await expect(ada.signal('known', 'x'.repeat(10_000))).rejects.toMatchObject({
      code: 'SIGNAL_TOO_LARGE',
    })
    await expect(ada.signal('known', 'x'.repeat(5_000_000))).rejects.toMatchObject({
      code: 'SIGNAL_TOO_LARGE',
    })
    await expect(ada.signal('known', 1n)).rejects.toMatchObject({ code: 'SIGNAL_INVALID' })
    expect(await ada.signal('known')).toMatchObject({ receivers: 1 })
    await until(() => heard.length === 1, 'heard')
    const refused: string[] = []
    ada.follow('weather', undefined, ({ code }) => refused.push(code))
    ada.follow('news', signal => heard.push(signal))
    await until(() => refused.length === 1, 'told')
    await until(async () => {
      const { receivers } = await early.signal('known', null, { topic: 'news' })
      return receivers === 1
    }, 'followed')
    expect(refused).toEqual(['TOPIC_UNKNOWN'])
    expect(() => ada.follow('a..b')).toThrow(/no pattern/)
    ada.close()
    await expect(ada.signal('known')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })

  test('topics are counted, followed again after a reconnect, and let go of', async () => {
    await start({}, { WEFT_SIGNALS_PER_SECOND: '5000' })
    const { port } = new URL(server.url)
    const proxy = await tcpProxy(Number(port))
    ends.push(() => proxy.close())
    const [ada, bob] = [await open('ada'), await open('bob', `http://127.0.0.1:${proxy.port}`)]
    const heard: unknown[] = []
    const stops = [
      bob.follow('chat.*', ({ data }) => heard.push(data)),
      bob.follow('chat.*'),
      bob.follow('news'),
    ]
    const receivers = async (topic: string, data?: unknown) =>
      (await ada.signal('t', data, { topic })).receivers
    await until(async () => (await receivers('news')) === 1, 'followed')
    expect(await receivers('chat.a', 1)).toBe(1)
    stops[1]?.()
    stops[1]?.()
    expect(await receivers('chat.a', 2)).toBe(1)
    proxy.cut()
    await until(() => bob.status.kind !== 'live', 'cut')
    proxy.restore()
    await until(async () => (await receivers('news')) === 1, 'followed again')
    expect(await receivers('chat.b', 3)).toBe(1)
    await until(() => heard.includes(3), 'heard')
    stops[0]?.()
    await until(async () => (await receivers('chat.b')) === 0, 'let go of')
    expect(heard.filter(one => one !== null)).toEqual([1, 2, 3])
  })

  test('two holds on one document: each hears once, and a hold that is closed no more', async () => {
    await start()
    const both = client('bob')
    const [first, second] = [both.open('acme/notes'), both.open('acme/notes')]
    await first.whenSynced()
    const ada = await open('ada')
    const heard: string[] = []
    first.onSignal('*', () => heard.push('first'))
    second.onSignal('*', () => heard.push('second'))
    expect((await ada.signal('t')).receivers).toBe(1)
    await until(() => heard.length === 2, 'heard')
    first.close()
    await ada.signal('t')
    await until(() => heard.length === 3, 'heard')
    expect(heard).toEqual(['first', 'second', 'second'])
  })
})

test('a listener that throws hurts no other one', () => {
  const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {})
  const desk = new SignalDesk(new ManualClock())
  const heard: string[] = []
  desk.listen('*', () => {
    throw new Error('of the application')
  })
  desk.listen('t', ({ id }) => heard.push(id))
  const from = { id: 'ada', name: 'Ada', kind: 'user' } as const
  const signal = { id: '1', type: 't', ts: 1, from, to: {}, data: null }
  desk.heard({ type: 'weft.signal', signal })
  expect(heard).toEqual(['1'])
  // It is the application's to hear of.
  expect(later.mock.calls[0]?.[0]).toThrow('of the application')
  later.mockRestore()
})

describe('a server that does not answer', () => {
  test('each question ends, and there are not too many of them', async () => {
    const clock = new ManualClock()
    const desk = new SignalDesk(clock)
    const said: string[] = []
    desk.began(payload => said.push(payload))
    const send = () => desk.send({ type: 't', data: null, to: {} })
    const all = Array.from({ length: 1_001 }, async () =>
      send().catch(({ code }: WeftError) => code),
    )
    expect(await all[1_000]).toBe('SLOW_DOWN')
    expect(said.length).toBe(1_000)
    clock.advance(10_000)
    expect(new Set(await Promise.all(all.slice(0, 1_000)))).toEqual(
      new Set(['DOCUMENT_UNAVAILABLE']),
    )
    const lost = send()
    desk.ended()
    await expect(lost).rejects.toMatchObject({ code: 'DOCUMENT_UNAVAILABLE' })
  })

  test('topics are asked for one new one at a time, and anew on each connection', async () => {
    const clock = new ManualClock()
    const asked: { topics: string; answer: PromiseWithResolvers<void> }[] = []
    const ask = (topics: readonly string[]) => {
      const answer = Promise.withResolvers<void>()
      asked.push({ topics: topics.join(), answer })
      return answer.promise
    }
    const turn = () => new Promise(resolve => setImmediate(resolve))
    const topics = new FollowedTopics({ clock, ask })
    const errors: string[] = []
    const onError = ({ code }: WeftError) => void errors.push(code)
    topics.follow('a', onError)
    const stopB = topics.follow('b', onError)
    topics.follow('c', onError)
    expect(asked).toEqual([])
    topics.began()
    asked[0]?.answer.resolve()
    await turn()
    asked[1]?.answer.reject(new WeftError('TOPIC_UNKNOWN', 'no b'))
    await turn()
    expect(asked.map(one => one.topics)).toEqual(['a', 'a,b', 'a,c'])
    expect(errors).toEqual(['TOPIC_UNKNOWN'])
    // The connection is lost before the answer: the next one is asked at once.
    topics.began()
    expect(asked.map(one => one.topics).slice(3)).toEqual(['a,c'])
    asked[2]?.answer.resolve()
    await turn()
    asked[3]?.answer.reject(new WeftError('SLOW_DOWN', 'later', { retryAfterMs: 50 }))
    await turn()
    expect(asked.length).toBe(4)
    clock.advance(50)
    expect(asked.map(one => one.topics).slice(4)).toEqual(['a,c'])
    asked[4]?.answer.resolve()
    await turn()
    stopB()
    expect(asked.length).toBe(5)
    for (let n = 0; n < 48; n++) topics.follow(`t${n}`, onError)
    expect(() => topics.follow('one.more', onError)).toThrow(/more than 50/)
    topics.ended()
  })
})
