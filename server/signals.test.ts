/** Signals over sockets and REST: who gets them, what is refused, and that nobody else is hurt. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { statelessFrame } from '../shared/frames.ts'
import type { Grant } from '../shared/permissions.ts'
import type { SignalAudience, SignalEnvelope } from '../shared/signals.ts'
import type { AppHooks } from './app-signals.ts'
import { rawClient } from './testing/raw-client.ts'
import { rawMember } from './testing/raw-member.ts'
import { stockProvider, stockYProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const NAME = 'acme/notes'

type Answer = {
  readonly ref: number
  readonly sent?: { readonly id: string; readonly receivers: number }
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly retryAfterMs?: number
  }
}

describe('signals', () => {
  let server: TestApp
  const clients: { destroy(): void }[] = []
  let ref = 0

  const start = async (hooks: AppHooks = {}, settings: Record<string, string> = {}) => {
    server = await startTestApp({ parts: { hooks }, settings })
  }
  const open = async (
    sub: string,
    { name = NAME, grants }: { name?: string; grants?: Grant[] } = {},
  ) => {
    const token = await server.token(sub, grants === undefined ? {} : { grants })
    const client = stockProvider({ url: server.syncUrl, name, token })
    clients.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  const ask = async (client: StockClient, payload: string, askedRef: number): Promise<Answer> => {
    client.provider.sendStateless(payload)
    const found = () =>
      client.stateless.find(one => one.type === 'weft.answer' && one['ref'] === askedRef)
    await until(() => found() !== undefined, `an answer to ${askedRef}`)
    return found() as unknown as Answer
  }
  const send = (
    client: StockClient,
    signal: { type: string; to?: SignalAudience; data?: unknown },
  ) => {
    ref += 1
    const full = { to: {}, data: null, ...signal }
    return ask(client, JSON.stringify({ type: 'weft.send', ref, signal: full }), ref)
  }
  const follow = (client: StockClient, topics: readonly string[]) => {
    ref += 1
    return ask(client, JSON.stringify({ type: 'weft.follow', ref, topics }), ref)
  }
  const got = ({ stateless }: StockClient) =>
    stateless
      .filter(({ type }) => type === 'weft.signal')
      .map(({ signal }) => signal as SignalEnvelope)
  const texts = (client: StockClient) => got(client).map(({ data }) => data)
  const present = async (client: StockClient, seenBy: StockClient) => {
    client.provider.setAwarenessField('here', true)
    const sees = () => seenBy.provider.awareness?.getStates().has(client.doc.clientID) === true
    await until(sees, 'seen')
  }
  const post = (
    body: unknown,
    {
      path = '/v1/signals',
      sub = 'bot',
      grants,
    }: {
      path?: string
      sub?: string
      grants?: Grant[]
    } = {},
  ) =>
    server.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      sub,
      ...(grants === undefined ? {} : { grants }),
    })

  beforeEach(() => {
    ref = 0
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('[G1] one gets to all others in the room, with an envelope of the server', async () => {
    await start()
    const [ada, bob, eve] = [await open('ada'), await open('bob'), await open('ada')]
    const elsewhere = await open('zoe', { name: 'acme/other' })
    await present(ada, bob)
    const before = Date.now()
    const { sent } = await send(ada, { type: 'chat.message', data: { text: 'hi' } })
    expect(sent?.receivers).toBe(2)
    await until(() => got(bob).length === 1 && got(eve).length === 1, 'heard')
    const [signal] = got(bob)
    expect(signal).toMatchObject({
      id: sent?.id,
      type: 'chat.message',
      from: { id: 'ada', name: 'ada', kind: 'user', session: ada.doc.clientID },
      to: {},
      data: { text: 'hi' },
    })
    expect(signal?.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
    expect(signal?.ts).toBeGreaterThanOrEqual(before)
    expect(got(eve)).toEqual([signal])
    expect([got(ada), got(elsewhere)]).toEqual([[], []])
    expect(await server.metric('weft_signals_sent_total')).toBe(1)
    expect(await server.metric('weft_signals_received_total')).toBe(2)
  })

  test('[G1] the order of one sender is kept, and a client that has left hears no more', async () => {
    await start()
    const [ada, bob, leaver] = [await open('ada'), await open('bob'), await open('leaver')]
    await Promise.all(Array.from({ length: 50 }, (_, n) => send(ada, { type: 'n', data: n })))
    expect(texts(bob)).toEqual(Array.from({ length: 50 }, (_, n) => n))
    const heard = got(leaver).length
    expect(heard).toBe(50)
    leaver.destroy()
    let receivers: number | undefined = 2
    await until(async () => {
      receivers = (await send(ada, { type: 'after' })).sent?.receivers
      return receivers === 1
    }, 'it has left')
    expect(got(leaver).filter(({ type }) => type === 'after').length).toBeLessThanOrEqual(1)
  })

  test('[G2] to a user, a session, or those who follow a topic; wildcards', async () => {
    await start()
    const [ada, bob, bob2, eve] = [
      await open('ada'),
      await open('bob'),
      await open('bob'),
      await open('eve'),
    ]
    await present(bob2, ada)
    const to = async (audience: SignalAudience) =>
      (await send(ada, { type: 't', to: audience, data: null })).sent?.receivers
    expect(await to({ user: 'bob' })).toBe(2)
    expect(await to({ session: bob2.doc.clientID })).toBe(1)
    expect(await to({ user: 'eve', session: bob2.doc.clientID })).toBe(0)
    expect(await to({ session: 12345 })).toBe(0)
    expect(await to({ topic: 'chat.general' })).toBe(0)
    expect(await follow(bob, ['chat.*'])).toMatchObject({ ref })
    expect(await follow(eve, ['*.general', 'other'])).not.toHaveProperty('error')
    expect(await to({ topic: 'chat.general' })).toBe(2)
    expect(await to({ topic: 'chat.a.b' })).toBe(1)
    expect(await to({ topic: 'chat' })).toBe(0)
    expect(await to({ topic: 'other' })).toBe(1)
    // All of them, and no others.
    await follow(eve, [])
    expect(await to({ topic: 'other' })).toBe(0)
    expect(got(bob2).map(({ to: audience }) => audience)).toEqual([
      { user: 'bob' },
      { session: bob2.doc.clientID },
    ])
  })

  test('[G3] y-websocket clients get none, are not counted, and are not hurt', async () => {
    await start()
    const [ada, bob] = [await open('ada'), await open('bob')]
    const token = await server.token('yan')
    const y = stockYProvider({ url: server.yUrl, name: NAME, token })
    clients.push(y)
    await until(() => y.provider.synced, 'synced')
    expect((await send(ada, { type: 't' })).sent?.receivers).toBe(1)
    bob.text.insert(0, 'still here')
    await until(() => y.text.toString() === 'still here', 'in step')
    expect(y.closes).toEqual([])
  })

  test('[G4] a forged sender, types of the server, and whatever is not understood', async () => {
    await start()
    const [ada, bob] = [await open('ada'), await open('bob')]
    const forged = { type: 't', from: { id: 'root' }, id: 'x', ts: 1, to: {}, data: 1 }
    await ask(ada, JSON.stringify({ type: 'weft.send', ref: 900, signal: forged }), 900)
    await until(() => got(bob).length === 1, 'heard')
    expect(got(bob)[0]).toMatchObject({ from: { id: 'ada' } })
    expect(got(bob)[0]?.id).not.toBe('x')
    const code = async (payload: string, askedRef: number) =>
      (await ask(ada, payload, askedRef)).error?.code
    for (const type of ['weft.signal', 'system.stop', 'presence.join', 'a b', '', 'a'.repeat(65)]) {
      expect((await send(ada, { type })).error?.code).toBe('SIGNAL_INVALID')
    }
    const invalid = 'SIGNAL_INVALID'
    expect(await code('{"type":"weft.send","ref":901,"signal":{', 901)).toBe(invalid)
    expect(await code('{"type":"weft.send","ref":902}', 902)).toBe(invalid)
    expect(await code('{"type":"weft.send"}', -1)).toBe(invalid)
    const badAudience = { type: 't', to: { everybody: true }, data: 1 }
    const text = JSON.stringify({ type: 'weft.send', ref: 903, signal: badAudience })
    expect(await code(text, 903)).toBe(invalid)
    expect(await code('{"type":"weft.follow","ref":904,"topics":["a..b"]}', 904)).toBe(invalid)
    const many = Array.from({ length: 51 }, (_, n) => `t${n}`)
    expect((await follow(ada, many)).error?.code).toBe(invalid)
    const deep = `${'['.repeat(2_000)}${']'.repeat(2_000)}`
    const nested = `{"type":"weft.send","ref":905,"signal":{"type":"t","to":{},"data":${deep}}}`
    expect((await ask(ada, nested, 905)).ref).toBe(905)
    // An application's own message is nobody's.
    ada.provider.sendStateless('{"type":"mine"}')
    expect((await send(ada, { type: 'last' })).sent?.receivers).toBe(1)
    ada.text.insert(0, 'still here')
    await until(() => bob.text.toString() === 'still here', 'in step')
    expect([ada.closes, bob.closes]).toEqual([[], []])
    expect(
      got(bob)
        .filter(({ type }) => type !== 't')
        .map(({ type }) => type),
    ).toEqual(['last'])
  })

  test('[G5] too large: the sender is told, by whatever size', async () => {
    await start({}, { WEFT_MAX_SIGNAL_BYTES: '100' })
    const [ada, bob] = [await open('ada'), await open('bob')]
    expect((await send(ada, { type: 't', data: 'x'.repeat(98) })).sent?.receivers).toBe(1)
    for (const length of [99, 7_000, 20_000, 1_000_000]) {
      expect((await send(ada, { type: 't', data: 'x'.repeat(length) })).error?.code).toBe(
        'SIGNAL_TOO_LARGE',
      )
    }
    // Counted in bytes.
    expect((await send(ada, { type: 't', data: 'ü'.repeat(60) })).error?.code).toBe(
      'SIGNAL_TOO_LARGE',
    )
    const answer = await post({ to: { document: NAME }, type: 't', data: 'x'.repeat(200) })
    expect(answer.status).toBe(413)
    expect(got(bob).length).toBe(1)
    expect(ada.closes).toEqual([])
    expect(await server.metric('weft_signals_refused_total')).toBeGreaterThanOrEqual(2)
  })

  test('[G6] over sockets and REST together a sender has one limit; others have their own', async () => {
    await start({}, { WEFT_SIGNALS_PER_SECOND: '1' })
    const [ada, bob] = [await open('ada'), await open('bob')]
    const over = { to: { document: NAME }, type: 't' }
    const rest = () => post(over, { sub: 'ada' })
    expect((await rest()).status).toBe(200)
    // On a slow machine one more may be there each second.
    let tries = 0
    let answer = await send(ada, { type: 't' })
    while (answer.error === undefined && tries++ < 50) answer = await send(ada, { type: 't' })
    expect(tries).toBeGreaterThanOrEqual(3)
    expect(answer.error).toMatchObject({ code: 'SLOW_DOWN' })
    expect(answer.error?.retryAfterMs).toBeGreaterThan(0)
    let refused = await rest()
    while (refused.status === 200 && tries++ < 50) refused = await rest()
    expect(refused.status).toBe(429)
    expect(await refused.json()).toMatchObject({ code: 'SLOW_DOWN' })
    expect((await send(bob, { type: 't' })).sent?.receivers).toBe(1)
    expect(got(bob).length).toBeGreaterThanOrEqual(5)
    expect(await server.metric('weft_rate_limited_total')).toBeGreaterThanOrEqual(2)
  })

  test('[G7] declared types and topics: what is not as declared is the sender’s error alone', async () => {
    const hooks: AppHooks = {
      signals: {
        types: {
          'chat.message': z.object({
            text: z.string(),
            at: z.object({ line: z.number() }).optional(),
          }),
          upper: data => {
            if (typeof data !== 'string') throw new Error('a text, please')
            return data.toUpperCase()
          },
          throws: () => {
            throw undefined
          },
          promises: () => Promise.reject(new Error('late')),
          never: () => new Promise(() => {}),
          broken: {
            safeParse: () => {
              throw new Error('a secret of the application')
            },
          },
          odd: { safeParse: () => 'yes' as never },
          big: () => 1n,
          grows: () => 'x'.repeat(5_000),
        },
        topics: ['chat.*'],
      },
    }
    await start(hooks)
    const [ada, bob] = [await open('ada'), await open('bob')]
    const error = async (type: string, data: unknown = null, to: SignalAudience = {}) =>
      (await send(ada, { type, data, to })).error
    expect(
      (await send(ada, { type: 'chat.message', data: { text: 'hi', more: 1 } })).sent,
    ).toBeDefined()
    expect((await send(ada, { type: 'upper', data: 'loud' })).sent).toBeDefined()
    await until(() => got(bob).length === 2, 'heard')
    expect(texts(bob)).toEqual([{ text: 'hi' }, 'LOUD'])
    const wrong = await error('chat.message', { text: 'x', at: { line: 'one' } })
    expect(wrong?.code).toBe('SIGNAL_INVALID')
    expect(wrong?.message).toContain('at.line')
    expect(await error('upper', 1)).toMatchObject({
      code: 'SIGNAL_INVALID',
      message: 'upper: a text, please',
    })
    for (const type of ['other', 'constructor', '__proto__', 'throws', 'big']) {
      expect((await error(type))?.code, type).toBe('SIGNAL_INVALID')
    }
    for (const type of ['promises', 'never', 'broken', 'odd']) {
      const failed = await error(type)
      expect(failed?.code, type).toBe('HOOK_FAILED')
      expect(failed?.message).not.toContain('secret')
    }
    expect((await error('grows'))?.code).toBe('SIGNAL_TOO_LARGE')
    expect((await error('upper', 'x', { topic: 'news' }))?.code).toBe('TOPIC_UNKNOWN')
    expect((await follow(bob, ['chat.general'])).error).toBeUndefined()
    for (const pattern of ['*', 'news', 'chat', '*.general']) {
      expect((await follow(bob, ['chat.other', pattern])).error?.code, pattern).toBe(
        'TOPIC_UNKNOWN',
      )
    }
    // What was followed before goes on.
    const sent = await send(ada, { type: 'upper', data: 'x', to: { topic: 'chat.general' } })
    expect(sent.sent?.receivers).toBe(1)
    expect((await post({ to: { document: NAME }, type: 'other' })).status).toBe(422)
    expect(
      (await post({ to: { document: NAME, topic: 'news' }, type: 'upper', data: '' })).status,
    ).toBe(404)
    expect((await post({ to: { document: NAME }, type: 'broken' })).status).toBe(503)
    ada.text.insert(0, 'still here')
    await until(() => bob.text.toString() === 'still here', 'in step')
    expect([ada.closes, bob.closes, got(bob).length]).toEqual([[], [], 3])
  })

  test('[G8] over REST: to a document, those in it, oneself; who may', async () => {
    await start()
    const [ada, bob] = [await open('ada'), await open('bob')]
    await follow(bob, ['chat.*'])
    const receivers = async (answer: Promise<Response>) => {
      const response = await answer
      expect(response.status).toBe(200)
      return ((await response.json()) as { receivers: number }).receivers
    }
    expect(await receivers(post({ to: { document: NAME }, type: 't', data: 1 }))).toBe(2)
    expect(await receivers(post({ to: { document: NAME, user: 'bob' }, type: 't', data: 2 }))).toBe(
      1,
    )
    expect(
      await receivers(post({ to: { document: NAME, topic: 'chat.x' }, type: 't', data: 3 })),
    ).toBe(1)
    const path = '/v1/documents/acme%2Fnotes/signals'
    expect(await receivers(post({ type: 't', data: 4 }, { path }))).toBe(2)
    expect(await receivers(post({ type: 't', to: { user: 'ada' } }, { path }))).toBe(1)
    await until(() => got(bob).length === 4 && got(ada).length === 3, 'heard')
    expect(texts(bob)).toEqual([1, 2, 3, 4])
    expect(texts(ada)).toEqual([1, 4, null])
    expect(got(bob)[0]?.from).toEqual({ id: 'bot', name: 'bot', kind: 'user' })
    expect(await receivers(post({ to: { document: 'acme/nobody' }, type: 't' }))).toBe(0)
    const status = async (body: unknown, options = {}) => (await post(body, options)).status
    const viewer: Grant[] = [{ resource: NAME, role: 'viewer' }]
    expect(await status({ to: { document: NAME }, type: 't' }, { grants: viewer })).toBe(200)
    expect(await status({ to: { document: 'acme/x' }, type: 't' }, { grants: viewer })).toBe(403)
    expect(await status({ to: { space: 'acme' }, type: 't' }, { grants: viewer })).toBe(403)
    expect(await status({ to: { user: 'bot' }, type: 't' }, { grants: viewer })).toBe(200)
    expect(await status({ to: { user: 'ada' }, type: 't' }, { grants: viewer })).toBe(403)
    const operator: Grant[] = [{ resource: '**', role: 'operator' }]
    expect(await status({ to: { user: 'ada' }, type: 't' }, { grants: operator })).toBe(200)
    for (const to of [
      {},
      { document: NAME, space: 'acme' },
      { topic: 'x' },
      { document: NAME, all: 1 },
    ]) {
      expect(await status({ to, type: 't' })).toBe(400)
    }
    expect(await status({ to: { document: '~user/ada' }, type: 't' })).toBe(403)
    expect(await status({ to: { document: NAME }, type: 'weft.x' })).toBe(422)
    expect(await status({ to: { document: NAME }, type: 'a b' })).toBe(422)
    expect(await status({ to: { document: NAME, topic: 'a b' }, type: 't' })).toBe(422)
  })

  test('[G9] strangers are not heard, and a session that ends says no more', async () => {
    await start()
    const bob = await open('bob')
    const stranger = await rawClient(server.syncUrl)
    const text = JSON.stringify({
      type: 'weft.send',
      ref: 1,
      signal: { type: 't', to: {}, data: 1 },
    })
    stranger.send(statelessFrame(NAME, text))
    const reader = await open('reader', { grants: [{ resource: NAME, role: 'viewer' }] })
    expect(
      (await send(reader, { type: 'from a reader'.replaceAll(' ', '-') })).sent?.receivers,
    ).toBe(1)
    server.app.disconnect({ document: NAME, user: 'reader' })
    await until(() => JSON.stringify(reader.stateless).includes('DISCONNECTED'), 'sent away')
    expect(got(bob).map(({ type }) => type)).toEqual(['from-a-reader'])
    expect(stranger.told()).toEqual([])
    stranger.close()
  })

  test('[G6] ten thousand signals of one client: the others are saved as ever', async () => {
    await start({}, { WEFT_CONNECTION_FRAMES_PER_SECOND: '20000' })
    const [bob, eve] = [await open('bob'), await open('eve')]
    const mallory = await rawMember(server, { name: NAME })
    for (let n = 0; n < 10_000; n++) {
      const signal = { type: 'flood', to: {}, data: n }
      mallory.send(statelessFrame(NAME, JSON.stringify({ type: 'weft.send', ref: n, signal })))
    }
    bob.text.insert(0, 'saved')
    await until(() => !bob.provider.hasUnsyncedChanges && eve.text.toString() === 'saved', 'saved')
    const answers = () => mallory.told().filter(({ type }) => type === 'weft.answer')
    await until(() => answers().length === 10_000, 'all are answered')
    const taken = answers().filter(({ error }) => error === undefined).length
    expect(taken).toBeGreaterThanOrEqual(100)
    expect(taken).toBeLessThan(400)
    expect(answers().find(({ error }) => error !== undefined)?.error).toMatchObject({
      code: 'SLOW_DOWN',
    })
    expect(got(eve).length).toBe(taken)
    expect([bob.closes, eve.closes, mallory.closed]).toEqual([[], [], undefined])
    mallory.close()
  })
})
