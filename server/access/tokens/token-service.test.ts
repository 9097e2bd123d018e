/** The token service over both databases, with two servers on one store. */
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WeftError } from '../../../shared/errors.ts'
import { ManualClock } from '../../../shared/manual-clock.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { Database } from '../../database/database.ts'
import { createTokenVerifier } from '../token-verifier.ts'
import { keyAuthority } from './key-authority.ts'
import { createKeyedVerifier } from './keyed-verifier.ts'
import type { Actor } from './tables.ts'
import {
  noPostgres,
  postgresStore,
  sqliteStore,
  START_MS,
  tokenNode,
  type TokenNode,
  type TokenStore,
} from './testing/token-stores.ts'
import { OWN_ISSUER } from './token-signer.ts'

const by: Actor = { id: 'root', kind: 'user' }
const maker = keyAuthority.parse({ scopes: ['tokens:create'], resources: ['acme/**'] })

function verifierOf({ checker, clock, revocations, signingKeys }: TokenNode) {
  const verifier = createTokenVerifier({
    keys: [{ kind: 'own', resolve: signingKeys.resolve, issuer: OWN_ISSUER }],
    issuer: undefined,
    audience: undefined,
    clock,
  })
  return createKeyedVerifier({ verifier, keys: checker, revocations })
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'taken',
    (error: unknown) => (error instanceof WeftError ? error.code : String(error)),
  )

const stores: readonly [string, boolean, () => Promise<TokenStore>][] = [
  ['sqlite', false, sqliteStore],
  ['postgres', noPostgres, postgresStore],
]

describe.each(stores)('the token service on %s', (_name, isAbsent, create) => {
  let store: TokenStore
  let opened: Database[] = []
  let node: TokenNode
  let clock: ManualClock
  const another = async () => {
    const database = store.open()
    opened.push(database)
    return tokenNode(database, clock)
  }
  const verify = (token: string, on = node): Promise<Principal> => verifierOf(on).verify(token)
  const makeKey = (authority = maker, expiresAt: number | null = null) =>
    node.keys.create({ name: 'back end', authority, expiresAt, by })

  beforeAll(async () => {
    if (!isAbsent) store = await create()
  }, 60_000)
  afterAll(async () => {
    if (!isAbsent) await store.remove()
  })
  beforeEach(async () => {
    clock = new ManualClock(START_MS)
    if (!isAbsent) node = await another()
  })
  afterEach(async () => {
    if (!isAbsent) await node.checker.settle()
    for (const database of opened) await database.close()
    opened = []
  })

  test.skipIf(isAbsent)('[K1] a key is a service with what its scopes say', async () => {
    const authority = keyAuthority.parse({ scopes: ['documents:read'], resources: ['acme/**'] })
    const { key, text } = await makeKey(authority)
    expect(text).toMatch(/^weft_key_[0-9a-f]{20}_[\w-]{43}$/)
    const grants = [{ resource: 'acme/**', role: 'viewer' }]
    expect(await verify(text)).toMatchObject({
      id: `key:${key.id}`,
      name: 'back end',
      kind: 'service',
      grants,
      limits: grants,
    })
    await node.checker.settle()
    const listed = (await node.keys.list()).find(({ id }) => id === key.id)
    expect(listed).toMatchObject({ id: key.id, lastUsedAt: START_MS, createdBy: 'root' })
    expect(JSON.stringify(listed)).not.toContain('hash')
    expect(node.events.map(({ action }) => action)).toEqual(['key.create'])
  })

  test.skipIf(isAbsent)('[K1] use is written down at most once a minute', async () => {
    const { key, text } = await makeKey()
    const lastUsed = async () => {
      await node.checker.settle()
      return (await node.keys.find(key.id))?.lastUsedAt
    }
    await verify(text)
    clock.advance(30_000)
    await verify(text)
    expect(await lastUsed()).toBe(START_MS)
    clock.advance(30_000)
    await verify(text)
    expect(await lastUsed()).toBe(START_MS + 60_000)
  })

  test.skipIf(isAbsent)('[K2] wrong, expired and revoked keys are refused', async () => {
    const { key, text } = await makeKey(maker, START_MS + 10_000)
    const wrong = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
    expect(await codeOf(verify(wrong))).toBe('TOKEN_INVALID')
    expect(await codeOf(verify(text.replace(key.id, '0'.repeat(20))))).toBe('TOKEN_INVALID')
    expect(await codeOf(verify(text))).toBe('taken')
    clock.advance(10_000)
    expect(await codeOf(verify(text))).toBe('TOKEN_EXPIRED')
    const { key: other, text: otherText } = await makeKey()
    await node.keys.revoke(other.id, by)
    expect(await codeOf(verify(otherText))).toBe('TOKEN_REVOKED')
    expect(await codeOf(node.keys.revoke(other.id, by))).toBe('KEY_NOT_FOUND')
  })

  test.skipIf(isAbsent)('[K3] a rotated key is good for the grace, its successor on', async () => {
    const { key, text } = await makeKey(maker, START_MS + 90_000)
    const next = await node.keys.rotate(key.id, { graceMs: 5_000, by })
    expect(next.key).toMatchObject({ line: key.id, expiresAt: START_MS + 90_000 })
    expect([await codeOf(verify(text)), await codeOf(verify(next.text))]).toEqual([
      'taken',
      'taken',
    ])
    const rotateAgain = node.keys.rotate(key.id, { graceMs: 5_000, by })
    expect(await codeOf(rotateAgain)).toBe('KEY_NOT_FOUND')
    clock.advance(5_000)
    expect(await codeOf(verify(text))).toBe('TOKEN_EXPIRED')
    expect(await codeOf(verify(next.text))).toBe('taken')
  })

  test.skipIf(isAbsent)('[K3] two rotations at once make one successor', async () => {
    const { key } = await makeKey()
    const rotate = () => codeOf(node.keys.rotate(key.id, { graceMs: 0, by }))
    const codes = await Promise.all([rotate(), rotate(), rotate()])
    expect(codes.toSorted()).toEqual(['KEY_NOT_FOUND', 'KEY_NOT_FOUND', 'taken'])
  })

  test.skipIf(isAbsent)(
    '[K4] revoking takes the older ones of the line, and its tokens',
    async () => {
      const first = await makeKey()
      const issued = await node.service.issue(first.key, { sub: 'ada', refresh: true })
      const second = await node.keys.rotate(first.key.id, { graceMs: 60_000, by })
      const third = await node.keys.rotate(second.key.id, { graceMs: 60_000, by })
      await node.keys.revoke(second.key.id, by)
      await node.revocations.poll()
      expect(await codeOf(verify(first.text))).toBe('TOKEN_REVOKED')
      expect(await codeOf(verify(second.text))).toBe('TOKEN_REVOKED')
      expect(await codeOf(verify(third.text))).toBe('taken')
      expect(await codeOf(verify(issued.token))).toBe('TOKEN_REVOKED')
      expect(await codeOf(node.service.refresh(issued.refresh?.token ?? ''))).toBe('TOKEN_REVOKED')
      clock.advance(1_000)
      const later = await node.service.issue(third.key, { sub: 'ada' })
      expect(await codeOf(verify(later.token))).toBe('taken')
    },
  )

  test.skipIf(isAbsent)(
    '[K5] a token says what was ordered, within the limits of the key',
    async () => {
      const { key } = await makeKey()
      const grants = [{ resource: 'acme/notes/**', role: 'editor' as const }]
      const { token, expiresAt, refresh } = await node.service.issue(key, {
        sub: 'ada',
        name: 'Ada',
        groups: ['writers'],
        grants,
      })
      expect([expiresAt, refresh]).toEqual([START_MS + 900_000, null])
      expect(await verify(token)).toMatchObject({
        id: 'ada',
        kind: 'user',
        groups: ['writers'],
        grants,
        limits: [{ resource: 'acme/**', role: 'editor' }],
        issuer: 'weft',
      })
      // What another server has made is taken here.
      const other = await another()
      expect(await codeOf(verify(token, other))).toBe('taken')
      clock.advance(900_000 + 31_000)
      expect(await codeOf(verify(token))).toBe('TOKEN_EXPIRED')
    },
  )

  test.skipIf(isAbsent)('[R1] refresh tokens are good once, and end with the family', async () => {
    const { key } = await makeKey()
    let { refresh } = await node.service.issue(key, {
      sub: 'ada',
      name: 'Ada',
      refresh: true,
      ttl: 60,
    })
    const end = refresh?.expiresAt
    expect(end).toBe(START_MS + 30 * 86_400_000)
    for (let n = 0; n < 3; n++) {
      clock.advance(60_000)
      const next = await node.service.refresh(refresh?.token ?? '')
      expect(await verify(next.token)).toMatchObject({ id: 'ada', name: 'Ada' })
      expect(next.expiresAt).toBe(clock.now() + 60_000)
      expect(next.refresh?.expiresAt).toBe(end)
      refresh = next.refresh
    }
    clock.advance(30 * 86_400_000)
    expect(await codeOf(node.service.refresh(refresh?.token ?? ''))).toBe('TOKEN_EXPIRED')
  })

  test.skipIf(isAbsent)(
    '[R2] one that is used again takes back the family, tokens too',
    async () => {
      const { key } = await makeKey()
      const first = await node.service.issue(key, { sub: 'ada', refresh: true })
      const second = await node.service.refresh(first.refresh?.token ?? '')
      clock.advance(11_000)
      const third = await node.service.refresh(second.refresh?.token ?? '')
      expect(await codeOf(verify(third.token))).toBe('taken')
      expect(await codeOf(node.service.refresh(first.refresh?.token ?? ''))).toBe('TOKEN_REVOKED')
      for (const { token, refresh } of [first, second, third]) {
        expect(await codeOf(node.service.refresh(refresh?.token ?? ''))).toBe('TOKEN_REVOKED')
        expect(await codeOf(verify(token))).toBe('TOKEN_REVOKED')
      }
      const actions = node.events.map(({ action }) => action)
      expect(actions.filter(action => action === 'token.reuse')).toHaveLength(1)
    },
  )

  test.skipIf(isAbsent)('[R3] twelve at once on two servers get the same successor', async () => {
    const { key } = await makeKey()
    const other = await another()
    const { refresh } = await node.service.issue(key, { sub: 'ada', refresh: true })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        (n % 2 === 0 ? node : other).service.refresh(refresh?.token ?? ''),
      ),
    )
    const successors = new Set(answers.map(answer => answer.refresh?.token))
    const ids = new Set(answers.map(({ token }) => decodeJwt(token).jti))
    expect([successors.size, ids.size]).toEqual([1, 1])
    const [successor = ''] = successors
    expect(await codeOf(other.service.refresh(successor))).toBe('taken')
    // Its successor was used: whoever comes with the first one now is somebody else.
    expect(await codeOf(node.service.refresh(refresh?.token ?? ''))).toBe('TOKEN_REVOKED')
  })

  test.skipIf(isAbsent)('[R4] wrong refresh tokens change nothing', async () => {
    const { key } = await makeKey()
    const { refresh } = await node.service.issue(key, { sub: 'ada', refresh: true })
    const good = refresh?.token ?? ''
    const wrong = good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A')
    for (const text of [wrong, '', 'weft_refresh_', good.replace('refresh', 'key')]) {
      expect(await codeOf(node.service.refresh(text))).toBe('TOKEN_INVALID')
    }
    expect(await codeOf(node.service.refresh(good))).toBe('taken')
  })

  test.skipIf(isAbsent)(
    '[R5] [F21] what is revoked on one server is refused on the other',
    async () => {
      const { key } = await makeKey()
      const other = await another()
      const one = await node.service.issue(key, { sub: 'ada', refresh: true })
      const two = await node.service.issue(key, { sub: 'ada' })
      await node.service.revoke(
        { jti: decodeJwt(one.token).jti ?? '' },
        { actor: by, client: null },
      )
      expect(await codeOf(verify(one.token))).toBe('TOKEN_REVOKED')
      expect(await codeOf(node.service.refresh(one.refresh?.token ?? ''))).toBe('TOKEN_REVOKED')
      expect(await codeOf(verify(one.token, other))).toBe('taken')
      await other.revocations.poll()
      expect(await codeOf(verify(one.token, other))).toBe('TOKEN_REVOKED')
      expect(await codeOf(verify(two.token, other))).toBe('taken')
      await node.service.revoke({ sub: 'ada' }, { actor: by, client: null })
      await other.revocations.poll()
      expect(await codeOf(verify(two.token, other))).toBe('TOKEN_REVOKED')
      clock.advance(1_000)
      const three = await node.service.issue(key, { sub: 'ada' })
      expect(await codeOf(verify(three.token, other))).toBe('taken')
      // A server that starts now knows it too.
      const late = await another()
      await late.revocations.poll()
      expect(await codeOf(verify(two.token, late))).toBe('TOKEN_REVOKED')
    },
  )

  test.skipIf(isAbsent)('[R5] a key takes back what its line made, and nothing else', async () => {
    const [mine, theirs] = [await makeKey(), await makeKey()]
    const token = (await node.service.issue(theirs.key, { sub: 'bea', refresh: true })).token
    const revoker = { actor: by, client: mine.key.line }
    await node.service.revoke({ sub: 'bea' }, revoker)
    await node.service.revoke({ jti: decodeJwt(token).jti ?? '' }, revoker)
    expect(await codeOf(verify(token))).toBe('taken')
    await node.service.revoke({ sub: 'bea' }, { actor: by, client: theirs.key.line })
    expect(await codeOf(verify(token))).toBe('TOKEN_REVOKED')
  })

  test.skipIf(isAbsent)('[R6] rows leave when what they are about is over', async () => {
    const { key } = await makeKey()
    await node.service.issue(key, { sub: 'ada', refresh: true })
    await node.service.revoke({ sub: 'x' }, { actor: by, client: null })
    clock.advance(31 * 86_400_000)
    await node.service.revoke({ sub: 'y' }, { actor: by, client: null })
    await node.revocations.sweep()
    const { db } = node.database
    const left = await db.selectFrom('revocations').select('value').execute()
    expect(left.map(({ value }) => value)).toEqual(['y'])
    clock.advance(31 * 86_400_000)
    // The last one stays, so that the next one has a higher number.
    await node.revocations.sweep()
    await node.service.revoke({ sub: 'z' }, { actor: by, client: null })
    const principal = { tokenId: null, id: 'z', claims: { iat: 0 } }
    expect(node.revocations.isRevoked(principal as unknown as Principal)).toBe(true)
  })

  test.skipIf(isAbsent)(
    '[S1] a new signing key is known before it signs, an old one after',
    async () => {
      const { key } = await makeKey()
      const other = await another()
      const issue = async () => (await node.service.issue(key, { sub: 'ada' })).token
      const kid = await node.signingKeys.rotate(by)
      const before = await issue()
      expect(JSON.stringify(node.signingKeys.keySet())).toContain(kid)
      expect(JSON.stringify(node.signingKeys.keySet())).not.toContain('"d"')
      clock.advance(300_000)
      const after = await issue()
      expect(await codeOf(verify(before, other))).toBe('taken')
      expect(await codeOf(verify(after, other))).toBe('taken')
      clock.advance(900_000 + 31_000)
      await node.signingKeys.sweep()
      await node.signingKeys.load()
      expect(node.signingKeys.keySet().keys.map(one => one.kid)).toEqual([kid])
      expect(await codeOf(verify(before))).toBe('TOKEN_INVALID')
    },
  )
})
