/** Guessed keys: they cost little, keep nobody out, and tell nothing. */
import type { scrypt } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WeftError } from '../../../shared/errors.ts'
import { ManualClock } from '../../../shared/manual-clock.ts'
import { silentLog } from '../../base/log.ts'
import type { StoredKey } from './api-key.ts'
import { keyAuthority } from './key-authority.ts'
import { KeyChecker } from './key-checker.ts'
import { SecretHasher } from './secret-hasher.ts'
import { newId, newSecret, readSecret, systemEntropy, writeSecret } from './secrets.ts'
import type { TokenDatabase } from './tables.ts'
import { Tries } from './tries.ts'

const hashes = vi.hoisted(() => ({ running: 0, most: 0, all: 0 }))
vi.mock('node:crypto', async load => {
  const real = await load<{ scrypt: typeof scrypt }>()
  const counted = (...args: Parameters<typeof scrypt>) => {
    hashes.all += 1
    hashes.most = Math.max(hashes.most, ++hashes.running)
    const done = args.pop() as (error: Error | null, key: Buffer) => void
    const [secret, salt, length, cost] = args
    real.scrypt(secret, salt, length, cost, (error, key) => {
      hashes.running -= 1
      done(error, key)
    })
  }
  return { ...real, scrypt: counted }
})

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'taken',
    (error: unknown) => (error instanceof WeftError ? error.code : String(error)),
  )

const count = (codes: readonly string[], code: string) => codes.filter(one => one === code).length

describe('guessed keys', () => {
  const hasher = new SecretHasher()
  let clock: ManualClock
  let stored: StoredKey
  /** Somebody else's. */
  let other: StoredKey
  let text: string
  let reads: number
  let checker: KeyChecker

  beforeEach(async () => {
    clock = new ManualClock()
    const [id, secret, salt] = [newId(systemEntropy), newSecret(systemEntropy), 'salt']
    text = writeSecret('key', { id, secret })
    stored = {
      id,
      line: id,
      name: 'back end',
      authority: keyAuthority.parse({ scopes: ['tokens:create'] }),
      createdBy: 'root',
      createdAt: 0,
      expiresAt: null,
      // Just now, so that nothing is written.
      lastUsedAt: clock.now(),
      revokedAt: null,
      replacedBy: null,
      salt,
      hash: await hasher.hash(secret, salt),
    }
    other = { ...stored, id: newId(systemEntropy), name: 'of an admin', hash: 'of another secret' }
    reads = 0
    checker = new KeyChecker({
      async find(wanted) {
        reads += 1
        return [stored, other].find(key => key.id === wanted)
      },
      database: {} as TokenDatabase,
      hasher,
      tries: new Tries(clock),
      clock,
      log: silentLog,
    })
    Object.assign(hashes, { running: 0, most: 0, all: 0 })
  })
  afterEach(() => checker.settle())

  const guess = () => writeSecret('key', { id: stored.id, secret: newSecret(systemEntropy) })

  test('[K6] a flood of them runs two hashes at once, twenty in a minute for an address', async () => {
    const codes = await Promise.all(
      Array.from({ length: 1_000 }, () => codeOf(checker.check(guess(), '192.0.2.1'))),
    )
    expect([count(codes, 'TOKEN_INVALID'), count(codes, 'SLOW_DOWN')]).toEqual([20, 980])
    expect([hashes.most, hashes.all]).toEqual([2, 20])
    expect(await codeOf(checker.check(guess(), '192.0.2.1'))).toBe('SLOW_DOWN')
    clock.advance(60_000)
    expect(await codeOf(checker.check(guess(), '192.0.2.1'))).toBe('TOKEN_INVALID')
  })

  test('[K6] many addresses wait for no more than a bounded queue', async () => {
    const codes = await Promise.all(
      Array.from({ length: 300 }, (_, n) => codeOf(checker.check(guess(), `192.0.2.${n}`))),
    )
    expect(hashes.most).toBe(2)
    expect(hashes.all).toBe(34)
    expect(count(codes, 'SLOW_DOWN')).toBe(300 - 34)
  })

  test('[K6] they do not keep out who was there before, from the same address too', async () => {
    expect(await codeOf(checker.check(text, '192.0.2.1'))).toBe('taken')
    await Promise.all(
      Array.from({ length: 200 }, () => codeOf(checker.check(guess(), '192.0.2.1'))),
    )
    expect(await codeOf(checker.check(text, '192.0.2.1'))).toBe('taken')
  })

  test('[K6] a good key is hashed once, and its row read every two seconds', async () => {
    await Promise.all(Array.from({ length: 50 }, () => checker.check(text, null)))
    expect(hashes.all).toBe(1)
    const before = reads
    await checker.check(text, null)
    expect(reads).toBe(before)
    stored = { ...stored, revokedAt: clock.now() }
    clock.advance(2_000)
    expect(await codeOf(checker.check(text, null))).toBe('TOKEN_REVOKED')
    expect(hashes.all).toBe(1)
  })

  test('[K6] a secret proves its own key, whatever other is asked for at the same time', async () => {
    const secret = readSecret('key', text)?.secret ?? ''
    const mixed = writeSecret('key', { id: other.id, secret })
    const own = checker.check(text, null)
    const others = codeOf(checker.check(mixed, null))
    expect((await own).id).toBe(stored.id)
    expect(await others).toBe('TOKEN_INVALID')
    expect(await codeOf(checker.check(mixed, null))).toBe('TOKEN_INVALID')
  })

  test('[K6] ids that nobody has cost no hash, and are counted too', async () => {
    const unknown = () =>
      writeSecret('key', { id: newId(systemEntropy), secret: newSecret(systemEntropy) })
    const codes: string[] = []
    for (let n = 0; n < 25; n++) codes.push(await codeOf(checker.check(unknown(), '192.0.2.1')))
    expect([count(codes, 'TOKEN_INVALID'), count(codes, 'SLOW_DOWN')]).toEqual([20, 5])
    expect(hashes.all).toBe(0)
  })

  test('[T26] no error shows the key', async () => {
    const given = guess()
    const error: unknown = await checker.check(given, null).catch((thrown: unknown) => thrown)
    const [, , , secret = given] = given.split('_')
    expect(JSON.stringify(error) + String(error)).not.toContain(secret)
  })
})
