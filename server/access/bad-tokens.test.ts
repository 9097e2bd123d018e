/** [T3] Tokens that are wrong in one way each, with the code that they get; none is let in. */
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { systemClock } from '../../shared/clock.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { readConfig } from '../config.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { rawClient } from '../testing/raw-client.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'

const secret = 'a secret of tests, at least 32 long'
const now = 1_750_000_000
const DAY = 86_400
const claims = { sub: 'mallory', iss: 'tests', aud: 'weft', iat: now, exp: now + 60 }

type Value = string | number | boolean | null | readonly unknown[] | object | undefined
type Part = Readonly<Record<string, Value>>

const encode = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const hmac = (text: string, key: string, hash = 'sha256') =>
  createHmac(hash, key).update(text).digest('base64url')

/** Signed with the secret, whatever it says. */
function signed(header: Part = {}, changed: Part = {}, key = secret): string {
  const text = `${encode({ alg: 'HS256', ...header })}.${encode({ ...claims, ...changed })}`
  return `${text}.${hmac(text, key)}`
}

describe('[T3] bad tokens', () => {
  const folder = temporaryFolder()
  let verifier: TokenVerifier
  /** The same settings on a running server, at the same time of the same day. */
  let server: TestApp
  let privateKey: Parameters<SignJWT['sign']>[0]
  let publicPem: string
  let publicJwk: JWK

  beforeAll(async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    privateKey = pair.privateKey
    publicPem = await exportSPKI(pair.publicKey)
    publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
    const path = join(folder.path, 'keys.json')
    writeFileSync(path, JSON.stringify({ keys: [publicJwk] }))
    verifier = createTokenVerifier({
      keys: [
        { kind: 'secret', secret },
        { kind: 'file', path },
      ],
      issuer: 'tests',
      audience: 'weft',
      maxAgeSeconds: 30 * DAY,
      clock: new ManualClock(now * 1_000),
    })
    const startedAt = systemClock.now()
    const clock = { ...systemClock, now: () => now * 1_000 + systemClock.now() - startedAt }
    server = await startTestApp({
      settings: {
        WEFT_DEV: '0',
        WEFT_JWT_SECRET: secret,
        WEFT_JWT_KEYS_FILE: path,
        WEFT_JWT_ISSUER: 'tests',
        WEFT_JWT_AUDIENCE: 'weft',
      },
      parts: { clock },
    })
  })
  afterAll(async () => {
    await server.stop()
    folder.remove()
  })

  /** What the doors of the server say: REST, and both protocols of sockets. */
  const codesAtDoors = async (token: string): Promise<readonly unknown[]> => {
    const socket = await rawClient(server.syncUrl)
    socket.authenticate('a', token)
    await until(() => socket.told().length > 0, 'told')
    const codes: unknown[] = [socket.told()[0]?.error?.code]
    socket.close()
    // Longer addresses and headers do not get through HTTP in the first place.
    if (token.length > 10_000) return codes
    const yOne = await rawClient(`${server.yUrl}/a?token=${encodeURIComponent(token)}`)
    await until(() => yOne.closed !== undefined, 'closed')
    codes.push(yOne.closed?.reason)
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`${server.url}/v1/documents`, { headers })
    codes.push(((await response.json()) as { code?: string }).code)
    return codes
  }

  const rsa = (header: Part = {}, changed: Part = {}): Promise<string> =>
    new SignJWT({ ...claims, ...changed })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
      .sign(privateKey)

  test('good ones are let in, by either way', async () => {
    const good = [signed(), signed({ typ: 'JWT' }), signed({ typ: 'at+jwt' }), await rsa()]
    const long = [signed({}, { exp: now + 30 * DAY }), signed({}, { iat: undefined })]
    for (const token of [...good, ...long, signed({ typ: 'application/AT+JWT' })]) {
      expect(await verifier.verify(token)).toMatchObject({ id: 'mallory' })
    }
  })

  const invalid: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['one word', () => 'token'],
    ['two parts', () => signed().split('.').slice(0, 2).join('.')],
    ['four parts', () => `${signed()}.x`],
    ['five parts, as if encrypted', () => `${signed()}.x.y`],
    ['a header that is no JSON', () => `${encode('{alg')}.${encode(claims)}.AAAA`],
    [
      'a payload that is no JSON',
      () => {
        const text = `${encode({ alg: 'HS256' })}.${encode('mallory')}`
        return `${text}.${hmac(text, secret)}`
      },
    ],
    [
      'a payload that is a list',
      () => {
        const text = `${encode({ alg: 'HS256' })}.${encode('[]')}`
        return `${text}.${hmac(text, secret)}`
      },
    ],
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['alg nOnE', () => `${encode({ alg: 'nOnE' })}.${encode(claims)}.`],
    ['alg none, signed', () => signed({ alg: 'none' })],
    ['no alg', () => signed({ alg: undefined })],
    ['an alg that is a number', () => signed({ alg: 256 })],
    ['HS384', () => signed({ alg: 'HS384' })],
    ['HS512', () => signed({ alg: 'HS512' })],
    ['PS256', () => rsa({ alg: 'PS256' }).catch(() => signed({ alg: 'PS256' }))],
    ['HS256 with the public PEM for a secret', () => signed({ kid: 'one' }, {}, publicPem)],
    ['HS256 with the trimmed PEM', () => signed({ kid: 'one' }, {}, publicPem.trim())],
    ['HS256 with the public JWK', () => signed({ kid: 'one' }, {}, JSON.stringify(publicJwk))],
    ['HS256 with the modulus', () => signed({ kid: 'one' }, {}, publicJwk.n)],
    ['a secret of six bytes', () => signed({}, {}, 'secret')],
    ['an empty secret', () => signed({}, {}, '')],
    ['no signature', () => `${signed().split('.').slice(0, 2).join('.')}.`],
    [
      'another payload under the signature',
      () => {
        const [header = '', , signature = ''] = signed().split('.')
        return `${header}.${encode({ ...claims, sub: 'admin' })}.${signature}`
      },
    ],
    ['its own key in the header (jwk)', () => rsa({ kid: undefined, jwk: publicJwk })],
    ['its own key, signed with the secret', () => signed({ jwk: { kty: 'oct', k: encode('x') } })],
    ['an address of keys (jku)', () => rsa({ jku: 'https://evil.example/keys' })],
    ['an address of certificates (x5u)', () => rsa({ x5u: 'https://evil.example/x' })],
    ['certificates of its own (x5c)', () => signed({ x5c: ['AAAA'] })],
    ['an extension that must be understood', () => signed({ crit: ['x'], x: 1 })],
    ['b64 false', () => signed({ crit: ['b64'], b64: false })],
    ['a kid that walks through folders', () => rsa({ kid: '../../../../etc/passwd' })],
    ['a kid for a database', () => rsa({ kid: "' OR 1=1 --" })],
    ['a kid that every object has', () => rsa({ kid: '__proto__' })],
    [
      'a kid that is an object',
      () => rsa({ kid: { one: 1 } }).catch(() => signed({ kid: {} }, {}, 'x')),
    ],
    ['no end', () => signed({}, { exp: undefined })],
    ['an end that is a text', () => signed({}, { exp: '9999999999' })],
    ['an end that is null', () => signed({}, { exp: null })],
    ['an end in the year 9999', () => signed({}, { exp: 253_402_300_799 })],
    ['a year', () => signed({}, { exp: now + 365 * DAY })],
    [
      'a year, without saying since when',
      () => signed({}, { iat: undefined, exp: now + 365 * DAY }),
    ],
    ['issued tomorrow', () => signed({}, { iat: now + DAY, exp: now + DAY + 60 })],
    ['an issue date that is a text', () => signed({}, { iat: 'now' })],
    ['not yet', () => signed({}, { nbf: now + 120 })],
    ['an ID token', () => signed({ typ: 'id+jwt' })],
    ['a logout token', () => rsa({ typ: 'logout+jwt' })],
    ['a proof of possession', () => signed({ typ: 'dpop+jwt' })],
    ['another issuer', () => signed({}, { iss: 'tests.evil.example' })],
    ['several issuers', () => signed({}, { iss: ['tests'] })],
    ['another audience', () => signed({}, { aud: 'weft2' })],
    ['no subject', () => signed({}, { sub: undefined })],
    ['a subject that is an object', () => signed({}, { sub: { id: 'admin' } })],
    ['the subject of an API key', () => signed({}, { sub: 'key:k1' })],
    ['the subject of an API key, of the key set', () => rsa({}, { sub: 'key:k1' })],
    ['too long to be read', () => signed({}, { note: 'x'.repeat(20_000) })],
  ]
  test.each(invalid)('%s', async (_what, make) => {
    const token = await make()
    expect(await codeOf(verifier, token)).toBe('TOKEN_INVALID')
    expect(new Set(await codesAtDoors(token))).toEqual(new Set(['TOKEN_INVALID']))
  })

  test('there are forty of them and more', () => expect(invalid.length).toBeGreaterThanOrEqual(40))

  const others: readonly (readonly [string, string, () => string | Promise<string>])[] = [
    ['none', 'TOKEN_MISSING', () => ''],
    ['over', 'TOKEN_EXPIRED', () => signed({}, { iat: now - 120, exp: now - 31 })],
    ['over since 1970', 'TOKEN_EXPIRED', () => signed({}, { iat: undefined, exp: 0 })],
    ['over, of the key set', 'TOKEN_EXPIRED', () => rsa({}, { exp: now - 31 })],
  ]
  test.each(others)('%s: %s', async (_what, code, make) => {
    const token = await make()
    expect(await codeOf(verifier, token)).toBe(code)
    expect(new Set(await codesAtDoors(token))).toEqual(new Set([code]))
  })

  test('a short secret, and keys that anybody on the way can replace, are no settings', () => {
    expect(() => readConfig({ WEFT_JWT_SECRET: 'secret' })).toThrow(/at least 32/)
    expect(() => readConfig({ WEFT_JWKS_URL: 'http://keys.example.com/set' })).toThrow(/https/)
    for (const url of [
      'http://127.0.0.1:1/keys',
      'http://[::1]:1/keys',
      'https://keys.example.com',
    ]) {
      expect(readConfig({ WEFT_JWKS_URL: url }).WEFT_JWKS_URL).toBe(url)
    }
  })
})

async function codeOf(verifier: TokenVerifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    ({ id }) => `let in: ${id}`,
    (error: unknown) => (error instanceof WeftError ? error.code : String(error)),
  )
}
