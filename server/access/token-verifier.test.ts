import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { SignJWT, exportJWK, exportSPKI, generateKeyPair, type JWK } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { createTokenVerifier, type TokenKeys } from './token-verifier.ts'

const secret = 'a secret of tests, at least 32 long'
const secretKey = new TextEncoder().encode(secret)
/** Seconds since 1970 at which all of this happens. */
const now = 1_750_000_000
const clock = new ManualClock(now * 1000)
const grants = [{ resource: 'acme/**', role: 'editor' }]

type SigningKey = Parameters<SignJWT['sign']>[0]
type Claims = Readonly<Record<string, unknown>>
type Header = { readonly alg: string; readonly kid?: string }

const goodClaims: Claims = { sub: 'alice', iss: 'tests', aud: 'weft', exp: now + 60, grants }

/** A claim that is `undefined` is left out. */
function sign(
  changed: Claims = {},
  header: Header = { alg: 'HS256' },
  key: SigningKey = secretKey,
) {
  return new SignJWT({ ...goodClaims, ...changed }).setProtectedHeader(header).sign(key)
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function createVerifier(...keys: TokenKeys[]) {
  return createTokenVerifier({ keys, issuer: 'tests', audience: 'weft', clock })
}

/** The refusal of this token, after a look at whether it gives anything of the token away. */
async function refusalOf(
  verifier: ReturnType<typeof createVerifier>,
  token: string,
): Promise<WeftError> {
  const error = await verifier.verify(token).then(
    principal => expect.fail(`let in: ${principal.id}`),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(WeftError)
  const everything = [inspect(error, { depth: 9 }), JSON.stringify((error as WeftError).toWire())]
  for (const part of [token, ...token.split('.')].filter(text => text.length > 4)) {
    for (const text of everything) expect(text).not.toContain(part.slice(0, 100))
  }
  return error as WeftError
}

describe('tokens signed with the secret', () => {
  const verifier = createVerifier({ kind: 'secret', secret })

  test('a good one makes a principal', async () => {
    const token = await sign({ name: 'Alice', kind: 'agent', tenant: 'acme' })
    expect(await verifier.verify(token)).toMatchObject({
      id: 'alice',
      name: 'Alice',
      kind: 'agent',
      tenant: 'acme',
      groups: [],
      grants,
      tokenId: null,
      issuer: 'tests',
      writesUntil: (now + 60) * 1000,
      expiresAt: (now + 60 + 30) * 1000,
    })
  })

  test('claims that are left out have the meaning that allows least', async () => {
    expect(await verifier.verify(await sign({ grants: undefined }))).toMatchObject({
      name: 'alice',
      kind: 'user',
      tenant: null,
      grants: [],
    })
  })

  test('an audience may be one of several', async () => {
    expect(await verifier.verify(await sign({ aud: ['mail', 'weft'] }))).toMatchObject({
      id: 'alice',
    })
  })

  test('[A2] clocks may differ by 30 seconds', async () => {
    for (const claims of [{ exp: now - 29 }, { nbf: now + 30 }]) {
      expect(await verifier.verify(await sign(claims))).toMatchObject({ id: 'alice' })
    }
    expect(await refusalOf(verifier, await sign({ exp: now - 30 }))).toMatchObject({
      code: 'TOKEN_EXPIRED',
      message: 'the token has expired',
    })
    expect(await refusalOf(verifier, await sign({ nbf: now + 31 }))).toMatchObject({
      code: 'TOKEN_INVALID',
      message: "the token's nbf is not accepted",
    })
  })

  test('[A2] a principal ends when its token would not be taken any more', async () => {
    const { expiresAt } = await verifier.verify(await sign({ exp: now - 29 }))
    expect(expiresAt).toBe((now + 1) * 1000)
  })

  const wrong: readonly (readonly [string, Claims, string])[] = [
    ['another issuer', { iss: 'elsewhere' }, "the token's iss is not accepted"],
    ['no issuer', { iss: undefined }, "the token's iss is not accepted"],
    ['another audience', { aud: 'elsewhere' }, "the token's aud is not accepted"],
    ['no audience', { aud: undefined }, "the token's aud is not accepted"],
    ['no end', { exp: undefined }, "the token's exp is not accepted"],
    ['an end that is a text', { exp: 'never' }, "the token's exp is not accepted"],
    ['no subject', { sub: undefined }, "the token's sub is not accepted"],
    ['an empty subject', { sub: '' }, "the token's sub: "],
    ['a subject of 201 characters', { sub: 'x'.repeat(201) }, "the token's sub: "],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, "the token's name: "],
    ['a kind that there is not', { kind: 'ghost' }, "the token's kind: "],
    ['grants that are no list', { grants: 'all' }, "the token's grants: "],
    [
      'a role that there is not',
      { grants: [{ resource: 'a', role: 'king' }] },
      "the token's grants.0.role: ",
    ],
    [
      'a pattern that is none',
      { grants: [...grants, { resource: 'a/*', role: 'viewer' }] },
      "the token's grants.1.resource: ",
    ],
    [
      '101 grants',
      { grants: Array.from({ length: 101 }, () => grants[0]) },
      "the token's grants: ",
    ],
  ]
  test.each(wrong)('%s is refused, by its name', async (_what, claims, message) => {
    const error = await refusalOf(verifier, await sign(claims))
    expect(error.code).toBe('TOKEN_INVALID')
    expect(error.message.slice(0, message.length)).toBe(message)
  })

  test.each([
    ['one word', 'token-without-any-dot'],
    ['three words', 'this-is.not-a.token-at-all'],
    ['a payload that is no object', `${encode({ alg: 'HS256' })}.${encode([1])}.AAAAAAAA`],
    ['alg none', `${encode({ alg: 'none' })}.${encode(goodClaims)}.`],
    ['alg None', `${encode({ alg: 'None' })}.${encode(goodClaims)}.`],
    ['alg none with a signature', `${encode({ alg: 'none' })}.${encode(goodClaims)}.AAAAAAAA`],
    ['no alg', `${encode({})}.${encode(goodClaims)}.AAAAAAAA`],
    ['a signature of nothing', `${encode({ alg: 'HS256' })}.${encode(goodClaims)}.`],
  ])('[A1] %s is refused', async (_what, token) => {
    expect(await refusalOf(verifier, token)).toMatchObject({
      code: 'TOKEN_INVALID',
      retryable: false,
    })
  })

  test('[A1] another secret, another algorithm, a changed payload', async () => {
    const other = new TextEncoder().encode('another secret, at least 32 characters')
    expect(await refusalOf(verifier, await sign({}, { alg: 'HS256' }, other))).toMatchObject({
      message: "the token's signature is wrong",
    })
    const strong = new TextEncoder().encode(secret.repeat(2))
    expect(await refusalOf(verifier, await sign({}, { alg: 'HS512' }, strong))).toMatchObject({
      message: "the token's algorithm is not accepted",
    })
    const [header = '', , signature = ''] = (await sign()).split('.')
    const forged = `${header}.${encode({ ...goodClaims, sub: 'mallory' })}.${signature}`
    expect(await refusalOf(verifier, forged)).toMatchObject({
      message: "the token's signature is wrong",
    })
  })

  test('none at all, and one that is too long to be read', async () => {
    expect(await refusalOf(verifier, '')).toMatchObject({ code: 'TOKEN_MISSING' })
    const long = await sign({ note: 'x'.repeat(13_000) })
    expect(long.length).toBeGreaterThan(16_384)
    expect(await refusalOf(verifier, long)).toMatchObject({
      code: 'TOKEN_INVALID',
      message: 'the token is too long',
    })
    expect(await verifier.verify(await sign({ note: 'x'.repeat(11_000) }))).toMatchObject({
      id: 'alice',
    })
  })

  test('issuer and audience count only when they are set', async () => {
    const keys = [{ kind: 'secret', secret }] as const
    const open = createTokenVerifier({ keys, issuer: undefined, audience: undefined, clock })
    const token = await sign({ iss: 'elsewhere', aud: undefined })
    expect(await open.verify(token)).toMatchObject({ id: 'alice' })
  })
})

type Pair = { readonly alg: string; readonly kid: string; readonly privateKey: CryptoKey }

describe('tokens of a key set', () => {
  let pairs: Pair[] = []
  let keys: JWK[] = []
  /** The RSA key as its owner publishes it. */
  let publicPem = ''
  let server: Server
  let url = ''
  let requests = 0
  let answer: RequestListener
  const serveKeys: RequestListener = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys }))
  }

  beforeAll(async () => {
    const made = await Promise.all(
      ['RS256', 'ES256', 'EdDSA'].map(async alg => {
        const { privateKey, publicKey } = await generateKeyPair(alg)
        const kid = `key of ${alg}`
        if (alg === 'RS256') publicPem = await exportSPKI(publicKey)
        return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } }
      }),
    )
    pairs = made
    keys = made.map(({ jwk }) => jwk)
  })
  beforeEach(async () => {
    requests = 0
    answer = serveKeys
    server = createServer((request, response) => {
      requests += 1
      answer(request, response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  })
  afterEach(async () => {
    vi.useRealTimers()
    await stopServer()
  })

  const stopServer = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const keySet = (): TokenKeys => ({ kind: 'jwks', url })
  const both = (): readonly TokenKeys[][] => [
    [{ kind: 'secret', secret }, keySet()],
    [keySet(), { kind: 'secret', secret }],
  ]
  const pair = (alg: string) => pairs.find(one => one.alg === alg)!
  const signWith = (alg: string, claims: Claims = {}, kid: string | null = pair(alg).kid) =>
    sign(claims, { alg, ...(kid === null ? {} : { kid }) }, pair(alg).privateKey)

  test.each(['RS256', 'ES256', 'EdDSA'])('[A1] %s is taken, with and without a kid', async alg => {
    const verifier = createVerifier(keySet())
    expect(await verifier.verify(await signWith(alg))).toMatchObject({ id: 'alice', grants })
    expect(await verifier.verify(await signWith(alg, {}, null))).toMatchObject({ id: 'alice' })
  })

  test('the key set is asked for once', async () => {
    const verifier = createVerifier(keySet())
    const token = await signWith('ES256')
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)))
    await verifier.verify(token)
    expect(requests).toBe(1)
  })

  test('[A2] claims are checked as with a secret', async () => {
    const verifier = createVerifier(keySet())
    const refused = async (claims: Claims) =>
      (await refusalOf(verifier, await signWith('ES256', claims))).message
    expect(await refused({ exp: now - 30 })).toBe('the token has expired')
    expect(await refused({ exp: undefined })).toBe("the token's exp is not accepted")
    expect(await refused({ sub: undefined })).toBe("the token's sub is not accepted")
    expect(await refused({ iss: 'elsewhere' })).toBe("the token's iss is not accepted")
    expect(await refused({ aud: 'elsewhere' })).toBe("the token's aud is not accepted")
  })

  test('[A1] a public key is never taken for a secret', async () => {
    const published = [publicPem, publicPem.trim(), publicPem.replaceAll('\n', '')]
    const texts = [...published, JSON.stringify(keys[0]), keys[0]!.n!, JSON.stringify({ keys })]
    const ways = [[keySet()], ...both()]
    for (const text of texts) {
      const forged = await sign(
        { sub: 'mallory' },
        { alg: 'HS256', kid: pair('RS256').kid },
        new TextEncoder().encode(text),
      )
      for (const way of ways) {
        expect(await refusalOf(createVerifier(...way), forged)).toMatchObject({
          code: 'TOKEN_INVALID',
        })
      }
    }
  })

  test('[A1] nor is a secret that somebody put into the set by mistake', async () => {
    keys = [...keys, { kty: 'oct', kid: 'shared', k: Buffer.from(secret).toString('base64url') }]
    try {
      const token = await sign({}, { alg: 'HS256', kid: 'shared' })
      expect(await refusalOf(createVerifier(keySet()), token)).toMatchObject({
        message: "the token's algorithm is not accepted",
      })
    } finally {
      keys = keys.slice(0, -1)
    }
  })

  test('[A1] algorithms that were not asked for', async () => {
    const { privateKey } = await generateKeyPair('ES384')
    const verifier = createVerifier(keySet())
    const token = await sign({}, { alg: 'ES384' }, privateKey)
    expect(await refusalOf(verifier, token)).toMatchObject({
      message: "the token's algorithm is not accepted",
    })
    expect(await refusalOf(verifier, `${encode({ alg: 'none' })}.${encode(goodClaims)}.`)).toEqual(
      expect.objectContaining({ code: 'TOKEN_INVALID' }),
    )
    expect(requests).toBe(0)
  })

  test('a kid that the set does not have, and a key that stole one', async () => {
    const verifier = createVerifier(keySet())
    const unknown = await signWith('ES256', {}, 'key of nobody')
    expect(await refusalOf(verifier, unknown)).toMatchObject({
      code: 'TOKEN_INVALID',
      message: 'no key of the key set fits the token',
    })
    const { privateKey } = await generateKeyPair('ES256')
    const stolen = await sign({}, { alg: 'ES256', kid: pair('ES256').kid }, privateKey)
    expect(await refusalOf(verifier, stolen)).toMatchObject({
      code: 'TOKEN_INVALID',
      message: "the token's signature is wrong",
    })
  })

  test('a new key is found, though not by asking at each token', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const verifier = createVerifier(keySet())
    await verifier.verify(await signWith('ES256'))
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const fresh = await sign({}, { alg: 'ES256', kid: 'fresh' }, privateKey)
    const before = keys
    keys = [...keys, { ...(await exportJWK(publicKey)), kid: 'fresh', alg: 'ES256' }]
    try {
      for (let i = 0; i < 5; i++) await refusalOf(verifier, fresh)
      expect(requests).toBe(1)
      vi.setSystemTime(Date.now() + 31_000)
      expect(await verifier.verify(fresh)).toMatchObject({ id: 'alice' })
      expect(requests).toBe(2)
    } finally {
      keys = before
    }
  })

  test('with a secret beside it, either way is taken, in either order', async () => {
    for (const ways of both()) {
      const verifier = createVerifier(...ways)
      expect(await verifier.verify(await sign())).toMatchObject({ id: 'alice' })
      expect(await verifier.verify(await signWith('RS256'))).toMatchObject({ id: 'alice' })
      const expired = await signWith('RS256', { exp: now - 60 })
      expect(await refusalOf(verifier, expired)).toMatchObject({ code: 'TOKEN_EXPIRED' })
      expect(await refusalOf(verifier, await sign({ exp: now - 60 }))).toMatchObject({
        code: 'TOKEN_EXPIRED',
      })
    }
  })

  test('with a secret beside it, the way that knows the algorithm says what is wrong', async () => {
    const other = new TextEncoder().encode('another secret, at least 32 characters')
    for (const ways of both()) {
      const verifier = createVerifier(...ways)
      const message = async (token: string) => (await refusalOf(verifier, token)).message
      expect(await message(await signWith('ES256', {}, 'key of nobody'))).toBe(
        'no key of the key set fits the token',
      )
      expect(await message(await sign({}, { alg: 'HS256' }, other))).toBe(
        "the token's signature is wrong",
      )
      expect(await message('this-is.not-a.token-at-all')).toBe('the token cannot be read')
    }
  })

  const badDays: readonly (readonly [string, RequestListener])[] = [
    ['answers 500', (_request, response) => void response.writeHead(500).end('{"keys":[]}')],
    ['answers 404', (_request, response) => void response.writeHead(404).end()],
    [
      'sends elsewhere',
      (_request, response) => void response.writeHead(302, { location: url }).end(),
    ],
    ['answers a page', (_request, response) => void response.end('<h1>Soon back</h1>')],
    ['answers something else', (_request, response) => void response.end('{"error":"busy"}')],
    ['hangs up', (request, _response) => void request.socket.destroy()],
  ]
  test.each(badDays)('[A6] a key server that %s is a bad day, no refusal', async (_what, bad) => {
    for (const ways of [[keySet()], ...both()]) {
      answer = bad
      const verifier = createVerifier(...ways)
      const token = await signWith('RS256')
      const error = await refusalOf(verifier, token)
      expect(error).toMatchObject({ code: 'SLOW_DOWN', retryable: true, retryAfterMs: 2_000 })
      answer = serveKeys
      expect(await verifier.verify(token)).toMatchObject({ id: 'alice' })
    }
  })

  test('[A6] so is one that is away, and tokens of the secret do not mind', async () => {
    const token = await signWith('EdDSA')
    await stopServer()
    for (const ways of [[keySet()], ...both()]) {
      const error = await refusalOf(createVerifier(...ways), token)
      expect(error).toMatchObject({ code: 'SLOW_DOWN', retryable: true })
    }
    for (const ways of both()) {
      expect(await createVerifier(...ways).verify(await sign())).toMatchObject({ id: 'alice' })
    }
  })

  test('[A6] a guard is around the fetch alone: known keys are used while the set is away', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    let fetches = 0
    let isOpen = false
    const guard = async <T>(action: () => Promise<T>): Promise<T> => {
      fetches++
      if (isOpen) throw new WeftError('DEPENDENCY_UNAVAILABLE', 'jwks keeps failing')
      return action()
    }
    const keys = [keySet()]
    const verifier = createTokenVerifier({
      keys,
      clock,
      guard,
      issuer: 'tests',
      audience: 'weft',
    })
    await verifier.verify(await signWith('ES256'))
    expect(fetches).toBe(1)
    isOpen = true
    expect(await verifier.verify(await signWith('RS256'))).toMatchObject({ id: 'alice' })
    vi.setSystemTime(Date.now() + 31_000)
    const unknown = await signWith('ES256', {}, 'key of nobody')
    expect(await refusalOf(verifier, unknown)).toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
      retryable: true,
      closeCode: 4503,
    })
    expect(fetches).toBe(2)
    expect(requests).toBe(1)
  })

  test('[A6] garbage is refused, whether or not the key server is there', async () => {
    await stopServer()
    for (const ways of [[keySet()], ...both()]) {
      const verifier = createVerifier(...ways)
      for (const token of ['this-is.not-a.token-at-all', `${encode({ alg: 'none' })}.e30.`]) {
        expect(await refusalOf(verifier, token)).toMatchObject({ code: 'TOKEN_INVALID' })
      }
    }
  })
})
