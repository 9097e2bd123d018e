/** [T4] Keys that come and go: a key set that rotates, hangs, lies; a file that changes. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair, SignJWT, type JWK } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { until } from '../testing/until.ts'
import { createTokenVerifier, type TokenKeys } from './token-verifier.ts'

const start = 1_750_000_000_000

type Pair = { readonly kid: string; readonly jwk: JWK } & Awaited<
  ReturnType<typeof generateKeyPair>
>

let pairs: readonly Pair[]
beforeAll(async () => {
  pairs = await Promise.all(
    ['one', 'two', 'three'].map(async kid => {
      const pair = await generateKeyPair('ES256', { extractable: true })
      return { ...pair, kid, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' } }
    }),
  )
})

function pair(kid: string): Pair {
  const found = pairs.find(one => one.kid === kid)
  if (found === undefined) throw new Error(`no key ${kid}`)
  return found
}

const token = (kid: string, { as = kid, hours = 24 } = {}) =>
  new SignJWT({ sub: 'ada', exp: start / 1_000 + hours * 3_600 })
    .setProtectedHeader({ alg: 'ES256', kid: as })
    .sign(pair(kid).privateKey)

function verifierOf(keys: TokenKeys) {
  const clock = new ManualClock(start)
  const verifier = createTokenVerifier({
    keys: [keys],
    issuer: undefined,
    audience: undefined,
    clock,
  })
  const outcome = (given: string) =>
    verifier.verify(given).then(
      () => 'in',
      (error: { code?: string }) => error.code ?? String(error),
    )
  const pass = (ms: number) => {
    clock.advance(ms)
    // jose reads the clock of the process.
    vi.setSystemTime(clock.now())
  }
  return { outcome, pass }
}

describe('[T4] a key set at an address', () => {
  let server: Server
  let url: string
  let published: readonly string[]
  let requests: number
  let answer: RequestListener
  const serve: RequestListener = (_request, response) =>
    void response.end(JSON.stringify({ keys: published.map(kid => pair(kid).jwk) }))

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(start)
    published = ['one']
    requests = 0
    answer = serve
    server = createServer((request, response) => {
      requests += 1
      answer(request, response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  })
  afterEach(async () => {
    vi.useRealTimers()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  test('200 kids that nobody knows cost one question in half a minute', async () => {
    const { outcome, pass } = verifierOf({ kind: 'jwks', url })
    expect(await outcome(await token('one'))).toBe('in')
    pass(31_000)
    const strange = await Promise.all(
      Array.from({ length: 200 }, (_, n) => token('two', { as: `kid ${n}` })),
    )
    const codes = await Promise.all(strange.map(outcome))
    expect(new Set(codes)).toEqual(new Set(['TOKEN_INVALID']))
    expect(requests).toBe(2)
  })

  test('keys that overlap: nobody is refused while they rotate under load', async () => {
    const { outcome, pass } = verifierOf({ kind: 'jwks', url })
    const old = await token('one')
    const fresh = await token('two')
    const codes: string[] = []
    const load = async (...tokens: string[]) => {
      const some = Array.from({ length: 20 }, () => tokens).flat()
      codes.push(...(await Promise.all(some.map(outcome))))
    }
    await load(old)
    published = ['one', 'two']
    pass(31_000)
    await load(old)
    await load(old, fresh)
    published = ['two']
    await load(old, fresh)
    // Behind everybody's back, and then the old one is no key any more.
    pass(11 * 60_000)
    await load(fresh)
    await until(async () => (await outcome(old)) === 'TOKEN_INVALID', 'the old key is forgotten')
    expect(new Set(codes)).toEqual(new Set(['in']))
    expect(codes.length).toBeGreaterThan(100)
  })

  test('a set that hangs: known keys go on at once, for an hour', async () => {
    const { outcome, pass } = verifierOf({ kind: 'jwks', url })
    const known = await token('one')
    expect(await outcome(known)).toBe('in')
    answer = () => {}
    for (const minutes of [11, 20, 28]) {
      pass(minutes * 60_000)
      const startedAt = performance.now()
      expect(await outcome(known)).toBe('in')
      expect(performance.now() - startedAt).toBeLessThan(1_000)
    }
    answer = (request, _response) => void request.socket.destroy()
    server.closeAllConnections()
    pass(2 * 60_000)
    expect(await outcome(known)).toBe('SLOW_DOWN')
    answer = serve
    await until(async () => (await outcome(known)) === 'in', 'it is there again')
  })

  test('[T25] an unknown key waits for a set that hangs for five seconds, no more', async () => {
    answer = () => {}
    const { outcome } = verifierOf({ kind: 'jwks', url })
    const startedAt = performance.now()
    expect(await outcome(await token('one'))).toBe('SLOW_DOWN')
    expect(performance.now() - startedAt).toBeLessThan(7_000)
    expect(requests).toBe(1)
  })

  test('[T25] a set of more than 64 KB is not read to its end', async () => {
    let sent = 0
    answer = (_request, response) => {
      const more = () => {
        sent += 16 << 10
        if (sent > 64 << 20) response.end()
        else if (response.write(' '.repeat(16 << 10))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    }
    const { outcome } = verifierOf({ kind: 'jwks', url })
    expect(await outcome(await token('one'))).toBe('SLOW_DOWN')
    expect(sent).toBeLessThan(16 << 20)
  })

  test('[T25] a set that sends elsewhere is not followed', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: `${url}2` }).end()
    const { outcome } = verifierOf({ kind: 'jwks', url })
    expect(await outcome(await token('one'))).toBe('SLOW_DOWN')
    expect(requests).toBe(1)
  })
})

describe('[T4] keys in a file', () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'keys')
  const write = (content: string) => writeFileSync(path, content)
  const set = (...kids: string[]) => JSON.stringify({ keys: kids.map(kid => pair(kid).jwk) })

  test('a set, read again when it changes, and kept while it is half written', async () => {
    write(set('one'))
    const { outcome, pass } = verifierOf({ kind: 'file', path })
    expect(await outcome(await token('one'))).toBe('in')
    expect(await outcome(await token('two'))).toBe('TOKEN_INVALID')
    write(set('one', 'two').slice(0, 50))
    pass(1_001)
    expect(await outcome(await token('one'))).toBe('in')
    write(set('two', 'three'))
    pass(1_001)
    expect(await outcome(await token('two'))).toBe('in')
    expect(await outcome(await token('one'))).toBe('TOKEN_INVALID')
    vi.useRealTimers()
  })

  test('PEM, one or several', async () => {
    const pems = await Promise.all(['one', 'two'].map(kid => exportSPKI(pair(kid).publicKey)))
    write(pems.slice(0, 1).join('\n'))
    const { outcome, pass } = verifierOf({ kind: 'file', path })
    expect(await outcome(await token('one'))).toBe('in')
    expect(await outcome(await token('two'))).toBe('TOKEN_INVALID')
    write(pems.join('\n'))
    pass(1_001)
    expect(await outcome(await token('two'))).toBe('in')
    expect(await outcome(await token('one'))).toBe('in')
    expect(await outcome(await token('three'))).toBe('TOKEN_INVALID')
    vi.useRealTimers()
  })

  test('what is no public key stops the start, and is not repeated', async () => {
    const pkcs8 = await exportPKCS8(pair('one').privateKey)
    const bad = [
      '',
      'keys',
      '{"keys":[]}',
      '{"keys":',
      JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'x' }] }),
      JSON.stringify({ keys: [await exportJWK(pair('one').privateKey)] }),
      pkcs8,
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    ]
    for (const content of bad) {
      write(content)
      expect(() => verifierOf({ kind: 'file', path })).toThrow(/WEFT_JWT_KEYS_FILE/)
    }
    expect(() => verifierOf({ kind: 'file', path: `${path}-none` })).toThrow(/cannot be read/)
    folder.remove()
  })
})
