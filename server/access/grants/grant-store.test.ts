/** What the store says of somebody about whom very much is said. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { testPrincipal } from '../../../shared/test-principal.ts'
import { Gatekeeper } from '../gatekeeper.ts'
import { Policy } from '../policy.ts'
import { createTokenVerifier } from '../token-verifier.ts'
import { noPostgres, postgresStore, sqliteStore } from '../tokens/testing/token-stores.ts'
import { GrantStore } from './grant-store.ts'
import { toRow, type GrantTables } from './grant-tables.ts'
import type { StoredGrant } from './grant.ts'

const FLOOD = 6_000

const grantOf = (n: number, more: Partial<StoredGrant>): StoredGrant => ({
  // In the order of the flood, before what matters.
  id: `g${String(n).padStart(6, '0')}`,
  subject: 'user:eve',
  resource: `eve/d${n}`,
  effect: 'allow',
  role: 'owner',
  capabilities: null,
  paths: null,
  condition: null,
  grantedBy: 'eve',
  createdAt: 0,
  status: 'active',
  ...more,
})

describe.each([
  ['SQLite', sqliteStore, false],
  ['Postgres', postgresStore, noPostgres],
])('on %s', (_, open, isAbsent) => {
  test.skipIf(isAbsent)('[T21] a flood of grants hides no denial from lists', async () => {
    const store = await open()
    const database = store.open()
    const db = database.db.withTables<GrantTables>()
    const flood = Array.from({ length: FLOOD }, (_unused, n) => toRow(grantOf(n, {})))
    for (let i = 0; i < FLOOD; i += 500) {
      await db
        .insertInto('grants')
        .values(flood.slice(i, i + 500))
        .execute()
    }
    const grants = new GrantStore(database.db, systemClock)
    const add = (n: number, more: Partial<StoredGrant>) =>
      grants.add(grantOf(n, more), async () => {})
    await add(FLOOD, { resource: 'acme/**', role: 'viewer' })
    await add(FLOOD + 1, { resource: 'acme/secret', effect: 'deny', role: 'viewer' })
    const keys = [{ kind: 'secret', secret: 'a secret of tests, at least 32 long' }] as const
    const options = { keys, issuer: undefined, audience: undefined, clock: systemClock }
    const verifier = createTokenVerifier(options)
    const gatekeeper = new Gatekeeper({ verifier, clock: systemClock, policy: new Policy(grants) })
    const eve = testPrincipal({ id: 'eve' })
    const names = ['acme/plan', 'acme/secret', 'eve/d5999', 'shop/plan']
    const readable = await (await gatekeeper.reader(eve))(names)
    expect([...readable]).toEqual(['acme/plan', 'eve/d5999'])
    expect(await grants.rulesBelow(eve, 'acme/**')).toHaveLength(1)
    expect(await grants.rulesBelow(eve, '**')).toBe('all')
    await database.close()
    await store.remove()
  })
})
