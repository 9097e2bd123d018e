/** Wrong tokens, names, frames and bytes: a typed error to that client alone. */
import { randomBytes } from 'node:crypto'
import { SignJWT, generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { statelessFrame, syncFrame } from '../shared/frames.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import {
  stockProvider,
  stockSocket,
  stockYProvider,
  type StockClient,
} from './testing/stock-clients.ts'
import { startTestApp, testSecret, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const key = new TextEncoder().encode(testSecret)

describe('bad input', () => {
  let server: TestApp
  /** Somebody else, whom nothing of this may touch. */
  let bystander: StockClient
  const open: { destroy?: () => void; close?: () => void }[] = []
  const raw = async (path = '/sync', options = {}): Promise<RawClient> => {
    const client = await rawClient(`${server.url.replace('http', 'ws')}${path}`, options)
    open.push({ close: () => client.close() })
    return client
  }

  beforeEach(async () => {
    server = await startTestApp({
      settings: {
        WEFT_MAX_FRAME_BYTES: '100000',
        WEFT_MAX_UPDATE_BYTES: '50000',
        WEFT_AUTH_TIMEOUT_MS: '1000',
        WEFT_JWT_ISSUER: 'tests',
        WEFT_JWT_AUDIENCE: 'weft',
      },
    })
    const token = await server.token('bystander')
    bystander = stockProvider({ url: server.syncUrl, name: 'calm', token })
    await until(() => bystander.provider.isSynced && !bystander.provider.hasUnsyncedChanges, 'calm')
  })
  afterEach(async () => {
    bystander.text.insert(0, 'still here')
    await until(() => !bystander.provider.hasUnsyncedChanges, 'the bystander is unhurt')
    expect(bystander.closes).toEqual([])
    bystander.destroy()
    for (const client of open.splice(0)) {
      client.destroy?.()
      client.close?.()
    }
    await server.stop()
  })

  describe('tokens', () => {
    const claims = { grants: [{ resource: '**', role: 'owner' }] }
    const sign = (token: SignJWT) => token.setProtectedHeader({ alg: 'HS256' }).sign(key)
    const token = (extra: Record<string, unknown> = {}) =>
      new SignJWT({ ...claims, ...extra })
        .setSubject('mallory')
        .setIssuer('tests')
        .setAudience('weft')
        .setExpirationTime('1h')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const payload = { sub: 'mallory', iss: 'tests', aud: 'weft', exp: 4_000_000_000, ...claims }

    const bad: readonly (readonly [string, string, () => string | Promise<string>])[] = [
      ['no token', 'TOKEN_MISSING', () => ''],
      ['garbage', 'TOKEN_INVALID', () => 'not.a.token'],
      ['one word', 'TOKEN_INVALID', () => 'token'],
      ['a huge one', 'TOKEN_INVALID', () => 'x'.repeat(50_000)],
      ['alg none', 'TOKEN_INVALID', () => `${encode({ alg: 'none' })}.${encode(payload)}.`],
      ['alg None', 'TOKEN_INVALID', () => `${encode({ alg: 'None' })}.${encode(payload)}.`],
      ['no alg', 'TOKEN_INVALID', () => `${encode({})}.${encode(payload)}.AAAA`],
      [
        'no signature',
        'TOKEN_INVALID',
        async () => `${(await sign(token())).split('.').slice(0, 2).join('.')}.`,
      ],
      [
        'another secret',
        'TOKEN_INVALID',
        () =>
          token()
            .setProtectedHeader({ alg: 'HS256' })
            .sign(new TextEncoder().encode('x'.repeat(40))),
      ],
      [
        'another algorithm',
        'TOKEN_INVALID',
        () =>
          token()
            .setProtectedHeader({ alg: 'HS512' })
            .sign(new TextEncoder().encode(testSecret.repeat(2))),
      ],
      [
        'an RSA key of its own',
        'TOKEN_INVALID',
        async () => {
          const { privateKey } = await generateKeyPair('RS256')
          return token().setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
        },
      ],
      ['expired', 'TOKEN_EXPIRED', () => sign(token().setExpirationTime('31 seconds ago'))],
      ['not yet valid', 'TOKEN_INVALID', () => sign(token().setNotBefore('1h'))],
      ['another issuer', 'TOKEN_INVALID', () => sign(token().setIssuer('elsewhere'))],
      ['another audience', 'TOKEN_INVALID', () => sign(token().setAudience('elsewhere'))],
      [
        'no expiry',
        'TOKEN_INVALID',
        () => sign(new SignJWT(claims).setSubject('m').setIssuer('tests').setAudience('weft')),
      ],
      [
        'no subject',
        'TOKEN_INVALID',
        () =>
          sign(new SignJWT(claims).setIssuer('tests').setAudience('weft').setExpirationTime('1h')),
      ],
      [
        'an unknown role',
        'TOKEN_INVALID',
        () => sign(token({ grants: [{ resource: '**', role: 'god' }] })),
      ],
      [
        'a bad resource',
        'TOKEN_INVALID',
        () => sign(token({ grants: [{ resource: 'a*', role: 'owner' }] })),
      ],
      [
        'a critical header',
        'TOKEN_INVALID',
        () => `${encode({ alg: 'HS256', crit: ['x'], x: 1 })}.${encode(payload)}.AAAA`,
      ],
    ]

    test.each(bad)('%s: %s, on every door', async (_what, code, make) => {
      const given = await make()
      const provider = stockProvider({ url: server.syncUrl, name: 'a', token: given })
      const yProvider = stockYProvider({ url: server.yUrl, name: 'a', token: given })
      open.push(provider, yProvider)
      const headers: Record<string, string> =
        given === '' ? {} : { authorization: `Bearer ${given}` }
      // Node refuses to send headers that long; the sockets have been asked.
      const response =
        given.length < 10_000 ? await fetch(`${server.url}/v1/documents`, { headers }) : null
      expect(response?.status ?? 401).toBe(401)
      expect(response === null ? code : ((await response.json()) as { code: string }).code).toBe(
        code,
      )
      await until(() => provider.failures.length > 0, 'the provider is told')
      expect(provider.failures).toEqual([code])
      expect(provider.stateless).toMatchObject([{ type: 'weft.error', error: { code } }])
      await until(() => yProvider.closes.length > 0, 'y-websocket is told')
      // An address that long does not get through HTTP in the first place.
      const closed = {
        code: given.length < 10_000 ? 4401 : 1006,
        reason: given.length < 10_000 ? code : '',
      }
      expect(yProvider.closes[0]).toEqual(closed)
      expect(await server.metric('weft_refusals_total')).toBeGreaterThan(0)
    })

    test('one that ran out 29 seconds ago still counts: clocks differ', async () => {
      const late = await sign(token().setExpirationTime('28 seconds ago'))
      const provider = stockProvider({ url: server.syncUrl, name: 'a', token: late })
      open.push(provider)
      await until(() => provider.provider.isSynced, 'let in')
    })

    test('a token as subprotocol', async () => {
      const given = await sign(token())
      const client = await raw('/y/a', { protocols: ['weft', given] })
      expect(client.socket.protocol).toBe('weft')
      await until(() => client.frames.length > 0, 'served')
    })
  })

  describe('names', () => {
    const refused = [
      '',
      '.',
      '..',
      'a/..',
      '../a',
      'a/../../b',
      'a//b',
      '/a',
      'a/',
      'a%2Fb',
      '%2e%2e',
      'a b',
      'ä',
      '\u202eabc',
      'a\\b',
      'a\nb',
      '~other/1',
      '~user/~61',
      '~user/a/b/c',
      '~space/..',
      'x'.repeat(256),
      'é'.repeat(127),
      '\ud800',
      'a?b',
      'a#b',
    ]
    test.each(refused.map(name => [JSON.stringify(name).slice(0, 40), name]))(
      '[G19] %s is refused, and its socket goes on',
      async (_shown, name) => {
        const client = await raw()
        client.authenticate(name, await server.token('alice'))
        await until(() => client.told().length > 0, 'told')
        expect(client.told()[0]?.error?.code).toMatch(/NAME_INVALID|NAME_RESERVED/)
        client.authenticate('fine', await server.token('alice'))
        client.send(syncFrame('fine', 0, Uint8Array.of(0)))
        await until(() => client.frames.length >= 5, 'the other document is served')
        expect(client.closed).toBeUndefined()
      },
    )

    test.each([
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      'a'.repeat(255),
      'a.b~c-d_e',
      '0',
    ])('[G19] %s is a name like any other, on every door', async name => {
      const token = await server.token('alice')
      const one = stockProvider({ url: server.syncUrl, name, token })
      const two = stockYProvider({ url: server.yUrl, name, token })
      open.push(one, two)
      one.text.insert(0, name)
      await until(() => two.text.toString() === name, 'shared')
      await until(() => !one.provider.hasUnsyncedChanges, 'acknowledged')
      const response = await server.fetch(`/v1/documents/${encodeURIComponent(name)}`)
      expect(await response.json()).toMatchObject({ name })
    })

    test('[G19] several of them on one socket are different documents', async () => {
      const socket = stockSocket(server.syncUrl)
      const token = await server.token('alice')
      const names = ['constructor', '__proto__', 'toString', 'valueOf']
      const clients = names.map(name => stockProvider({ url: server.syncUrl, name, token, socket }))
      open.push(...clients, socket)
      for (const [i, { text }] of clients.entries()) text.insert(0, names[i] ?? '')
      await until(
        () => clients.every(({ provider }) => !provider.hasUnsyncedChanges),
        'acknowledged',
      )
      expect(clients.map(({ text }) => text.toString())).toEqual(names)
    })

    test.each(['/y/', '/y/a%2Fb', '/y/%00', '/y/a//b', `/y/${'x'.repeat(300)}`])(
      '[G19] %s is closed with 4400',
      async path => {
        const client = await raw(`${path}?token=${await server.token('alice')}`)
        await until(() => client.closed !== undefined, 'closed')
        expect(client.closed).toEqual({ code: 4400, reason: 'NAME_INVALID' })
      },
    )
  })

  describe('frames', () => {
    test('text instead of bytes', async () => {
      const client = await raw()
      client.send('hello')
      await until(() => client.closed !== undefined, 'closed')
      expect(client.closed).toEqual({ code: 4400, reason: 'FRAME_INVALID' })
    })

    test('over the limit', async () => {
      const client = await raw()
      client.send(new Uint8Array(100_001))
      await until(() => client.closed !== undefined, 'closed')
      expect(client.closed).toEqual({ code: 4413, reason: 'FRAME_TOO_LARGE' })
      const huge = await raw()
      huge.send(new Uint8Array(300_000))
      await until(() => huge.closed !== undefined, 'closed')
      expect(huge.closed?.code).toBe(1009)
    })

    test('garbage', async () => {
      const client = await raw()
      client.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
      await until(() => client.closed !== undefined, 'closed')
      expect(client.closed).toEqual({ code: 4400, reason: 'FRAME_INVALID' })
    })

    test('an unknown message type is told to its document, and everything goes on', async () => {
      const client = await raw()
      client.authenticate('a', await server.token('alice'))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 3, 'synced')
      client.send(Uint8Array.of(1, 97, 77))
      await until(() => client.told().length > 0, 'told')
      expect(client.told()).toMatchObject([
        { type: 'weft.error', error: { code: 'FRAME_INVALID' } },
      ])
      client.send(Uint8Array.of(1, 97, 0, 9, 0))
      await until(() => client.told().length > 1, 'told of an unknown sync step')
      expect(client.closed).toBeUndefined()
    })

    test('an auth message that ends too early', async () => {
      const client = await raw()
      client.send(Uint8Array.of(1, 97, 2, 0, 200))
      await until(() => client.closed !== undefined, 'closed')
      expect(client.closed).toEqual({ code: 4400, reason: 'FRAME_INVALID' })
    })

    test('a bad frame that waits for its document spoils nothing behind it', async () => {
      const client = await raw()
      client.authenticate('a', await server.token('alice'))
      // All three are there before the document is open.
      client.send(Uint8Array.of(1, 97, 0, 0, 200))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 4, 'authenticated, told, synced and asked')
      expect(client.told()).toMatchObject([
        { type: 'weft.error', error: { code: 'FRAME_INVALID' } },
      ])
      expect(client.closed).toBeUndefined()
    })

    test('no token at all', async () => {
      const client = await raw()
      await until(() => client.closed !== undefined, 'closed after the time for it')
      expect(client.closed).toEqual({ code: 4401, reason: 'TOKEN_MISSING' })
    })

    test('frames for a document that was never asked for are nobody’s', async () => {
      const client = await raw()
      client.authenticate('a', await server.token('alice'))
      for (let i = 0; i < 2000; i++) client.send(syncFrame('b', 2, Uint8Array.of(0, 0)))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 3, 'a is served')
      expect(client.closed).toBeUndefined()
    })

    test('bytes that are no update, no awareness, no state vector', async () => {
      const client = await raw()
      client.authenticate('a', await server.token('alice'))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 3, 'synced')
      client.send(syncFrame('a', 2, Uint8Array.of(9, 9, 9, 9)))
      await until(() => client.told().length > 0, 'told')
      expect(client.told()[0]?.error?.code).toBe('UPDATE_INVALID')
      client.send(syncFrame('a', 0, Uint8Array.of(5, 1)))
      await until(() => client.told().length > 1, 'told')
      expect(client.told()[1]?.error?.code).toBe('UPDATE_INVALID')
      client.send(Uint8Array.of(1, 97, 1, 2, 200, 1))
      await until(() => client.told().length > 2, 'told')
      expect(client.told()[2]?.error?.code).toBe('FRAME_INVALID')
      expect(client.closed).toBeUndefined()
    })

    test('an update over its limit is refused, and the document goes on', async () => {
      const provider = stockProvider({
        url: server.syncUrl,
        name: 'a',
        token: await server.token('alice'),
      })
      open.push(provider)
      await until(
        () => provider.provider.isSynced && !provider.provider.hasUnsyncedChanges,
        'synced',
      )
      provider.text.insert(0, 'x'.repeat(60_000))
      await until(() => provider.stateless.length > 0, 'told')
      expect(provider.stateless).toMatchObject([
        { type: 'weft.error', error: { code: 'UPDATE_TOO_LARGE' } },
      ])
      expect(provider.provider.hasUnsyncedChanges).toBe(true)
      expect(provider.closes).toEqual([])
    })

    test('a thousand random frames on either door', async () => {
      const token = await server.token('alice')
      const sync = await raw()
      sync.authenticate('a', token)
      const y = await raw(`/y/b?token=${token}`)
      for (let i = 0; i < 1000; i++) {
        const bytes = randomBytes(1 + (i % 40))
        if (sync.socket.readyState === WebSocket.OPEN)
          sync.send(Buffer.concat([Buffer.of(1, 97), bytes]))
        if (y.socket.readyState === WebSocket.OPEN) y.send(bytes)
      }
      await until(() => y.closed !== undefined, 'y is closed, having no other way')
      expect(y.closed?.code).toBe(4400)
      const after = stockProvider({ url: server.syncUrl, name: 'a', token })
      open.push(after)
      await until(() => after.provider.isSynced, 'the document still opens')
    })

    test('stateless messages of an application are nobody’s business yet', async () => {
      const client = await raw()
      client.authenticate('a', await server.token('alice'))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 3, 'synced')
      client.send(statelessFrame('a', '{not json'))
      client.send(syncFrame('a', 0, Uint8Array.of(0)))
      await until(() => client.frames.length >= 5, 'goes on')
    })

    test('more documents than one socket may open', async () => {
      const client = await raw()
      const token = await server.token('alice')
      for (let i = 0; i < 60; i++) client.authenticate(`many/${i}`, token)
      await until(() => client.told().length === 10, 'ten are told')
      expect(client.told()[0]?.error?.code).toBe('TOO_MANY_DOCUMENTS')
      expect(server.app.documents.liveCount).toBeLessThanOrEqual(51)
    })
  })

  describe('upgrades', () => {
    const refusedWith = (path: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>(resolve => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers })
        socket.on('unexpected-response', (_request, response) => {
          resolve(response.statusCode)
          socket.terminate()
        })
        socket.on('open', () => {
          resolve(101)
          socket.terminate()
        })
        socket.on('error', () => resolve(undefined))
      })

    test.each([
      ['/sync', { origin: 'https://evil.example' }, 403],
      ['/sync', { origin: 'null' }, 403],
      ['/sync', { origin: 'http://localhost.evil.example' }, 403],
      ['/y/a', { origin: 'https://evil.example' }, 403],
      ['/sync', { origin: 'http://localhost:5173' }, 101],
      ['/sync', {}, 101],
      ['/nowhere', {}, 404],
      ['/syncs', {}, 404],
      ['/sync/', {}, 404],
    ])('%s with %j: %i', async (path, headers, status) => {
      expect(await refusedWith(path, headers as Record<string, string>)).toBe(status)
    })
  })

  describe('REST', () => {
    const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code

    test.each([
      ['GET', '/v1/documents?limit=0', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/documents?limit=x', 400, 'REQUEST_INVALID'],
      ['GET', '/v1/documents/a%20b', 400, 'NAME_INVALID'],
      ['GET', '/v1/documents/%2e%2e%2fetc', 400, 'NAME_INVALID'],
      ['GET', '/v1/documents/~user', 403, 'NAME_RESERVED'],
      ['GET', '/v1/documents/none', 404, 'DOCUMENT_NOT_FOUND'],
      ['GET', '/v1/documents/none/content', 404, 'DOCUMENT_NOT_FOUND'],
      ['GET', '/v1/documents/calm/content?format=xml', 400, 'REQUEST_INVALID'],
      ['DELETE', '/v1/documents/none', 404, 'DOCUMENT_NOT_FOUND'],
      ['GET', '/v1/nothing', 404, 'ROUTE_NOT_FOUND'],
      ['POST', '/v1/documents', 404, 'ROUTE_NOT_FOUND'],
    ])('%s %s: %i %s', async (...[method, path, status, code]) => {
      const response = await server.fetch(path, { method })
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await codeOf(response)).toBe(code)
    })

    test('a token that does not allow it', async () => {
      const grants = [{ resource: 'other/**', role: 'owner' as const }]
      for (const [method, path] of [
        ['GET', '/v1/documents/calm'],
        ['GET', '/v1/documents/calm/content'],
        ['DELETE', '/v1/documents/calm'],
        ['PUT', '/v1/documents/new'],
      ] as const) {
        const response = await server.fetch(path, { method, grants })
        expect([path, response.status, await codeOf(response)]).toEqual([path, 403, 'FORBIDDEN'])
      }
      const list = await server.fetch('/v1/documents', { grants })
      expect(await list.json()).toEqual({ documents: [], next: null })
    })

    test('development tokens are made for this machine, and for sensible orders', async () => {
      const order = (body: string, headers: Record<string, string> = {}) =>
        fetch(`${server.url}/v1/dev/tokens`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...headers },
        })
      expect((await order('{"sub":"alice"}')).status).toBe(200)
      expect(await codeOf(await order('{"sub":'))).toBe('REQUEST_INVALID')
      expect(await codeOf(await order('{"sub":""}'))).toBe('REQUEST_INVALID')
      expect(await codeOf(await order('{"sub":"a","ttl":1e9}'))).toBe('REQUEST_INVALID')
      expect(await codeOf(await order('{"sub":"a"}', { origin: 'https://evil.example' }))).toBe(
        'ORIGIN_FORBIDDEN',
      )
      expect(await codeOf(await order(JSON.stringify({ sub: 'x'.repeat(2 << 20) })))).toBe(
        'FRAME_TOO_LARGE',
      )
    })
  })

  test('[T2] a token in the address of /sync is refused before there is a socket', async () => {
    await expect(raw('/sync?token=anything')).rejects.toThrow(/400/)
  })
})
