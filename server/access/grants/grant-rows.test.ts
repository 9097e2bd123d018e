/** Grants over both databases: what is in force for whom, and how other nodes find out. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KyselyPlugin } from 'kysely'
import { ManualClock } from '../../../shared/manual-clock.ts'
import type { Database } from '../../database/database.ts'
import { until } from '../../testing/until.ts'
import {
  noPostgres,
  postgresStore,
  sqliteStore,
  START_MS,
  type TokenStore,
} from '../tokens/testing/token-stores.ts'
import { GrantStore } from './grant-store.ts'
import type { StoredGrant } from './grant.ts'

const stores: readonly [string, boolean, () => Promise<TokenStore>][] = [
  ['sqlite', false, sqliteStore],
  ['postgres', noPostgres, postgresStore],
]
const alone = async () => {}
let made = 0

function grant(more: Partial<StoredGrant> = {}): StoredGrant {
  made += 1
  return {
    id: `g${String(made).padStart(5, '0')}`,
    subject: 'user:ada',
    resource: 'acme/**',
    effect: 'allow',
    role: 'editor',
    capabilities: null,
    paths: null,
    condition: null,
    grantedBy: 'root',
    createdAt: START_MS,
    status: 'active',
    ...more,
  }
}

describe.each(stores)('grants on %s', (_name, isAbsent, create) => {
  let place: TokenStore
  let databases: Database[] = []
  let store: GrantStore
  const clock = new ManualClock(START_MS)
  const another = () => {
    const database = place.open()
    databases.push(database)
    return new GrantStore(database.db, clock)
  }
  beforeAll(async () => {
    if (!isAbsent) place = await create()
  }, 60_000)
  afterAll(async () => {
    if (!isAbsent) await place.remove()
  })
  beforeEach(() => {
    if (!isAbsent) store = another()
  })
  afterEach(async () => {
    for (const database of databases) await database.close()
    databases = []
  })

  test.skipIf(isAbsent)('all of a grant comes back', async () => {
    const full = grant({
      role: null,
      capabilities: ['read', 'write'],
      paths: ['fields.*'],
      condition: 'claims.level == 3',
      expiresAt: START_MS + 1_000,
      sponsor: 'bob',
      effect: 'deny',
    })
    await store.add(full, alone)
    expect(await store.get(full.id)).toEqual(full)
    expect(await store.get('none')).toBeUndefined()
  })

  test.skipIf(isAbsent)('rules are those of the subjects on the name and above it', async () => {
    const space = `space${(made += 1)}`
    const put = async (subject: string, resource: string, more: Partial<StoredGrant> = {}) => {
      const one = grant({ subject, resource, ...more })
      await store.add(one, alone)
      return one.id
    }
    const wanted = [
      await put('user:ada', `${space}/a/b`),
      await put('group:staff', `${space}/a/**`),
      await put('*', `${space}/**`),
    ]
    await put('user:bob', `${space}/a/b`)
    await put('group:others', `${space}/**`)
    await put('user:ada', `${space}/a`)
    await put('user:ada', `${space}/a/b/**`)
    await put('user:ada', `${space}/**`, { status: 'revoked' })
    const who = { id: 'ada', groups: ['staff'] }
    const rules = await store.rulesFor(who, `${space}/a/b`)
    expect(new Set(rules.map(({ id }) => id))).toEqual(new Set(wanted))
    const all = await store.rulesForAll(who, [`${space}/a/b`, 'elsewhere'])
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(wanted))
  })

  test.skipIf(isAbsent)('a change is counted, seen by others, and told apart', async () => {
    const other = another()
    const before = await other.version()
    expect(await other.changesSince(before)).toEqual({ version: before, changes: [] })
    await store.add(grant({ subject: 'user:eve', resource: 'x/y' }), alone)
    await store.add(grant({ subject: 'group:g', resource: 'x/**' }), alone)
    expect(await other.changesSince(before)).toEqual({
      version: before + 2,
      changes: [
        { subject: 'user:eve', resource: 'x/y' },
        { subject: 'group:g', resource: 'x/**' },
      ],
    })
    expect((await other.changesSince(before + 9)).changes).toBe('all')
    await store.forgetChanges(START_MS + 1)
    expect(await other.changesSince(before)).toEqual({ version: before + 2, changes: 'all' })
  })

  test.skipIf(isAbsent)('what fails beside a change takes it back, number and all', async () => {
    const before = await store.version()
    const one = grant()
    const failing = store.add(one, () => Promise.reject(new Error('no audit, no grant')))
    await expect(failing).rejects.toThrow('no audit, no grant')
    expect(await store.get(one.id)).toBeUndefined()
    expect(await store.version()).toBe(before)
  })

  test.skipIf(isAbsent)('changes of two nodes at once have numbers without gaps', async () => {
    const other = another()
    const before = await store.version()
    const both = [store, other, store, other, store, other]
    await Promise.all(both.map(one => one.add(grant(), alone)))
    const { version, changes } = await store.changesSince(before)
    expect(version).toBe(before + 6)
    expect(changes).toHaveLength(6)
  })

  test.skipIf(isAbsent)('pages go by id; what is over is found', async () => {
    const resource = `page${(made += 1)}/**`
    const some = [grant({ resource }), grant({ resource }), grant({ resource })]
    for (const one of some) await store.add(one, alone)
    const ids = some.map(({ id }) => id)
    const first = await store.list({ resource, limit: 2 })
    expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const rest = await store.list({ resource, after: ids[1], limit: 2 })
    expect(rest.map(({ id }) => id)).toEqual(ids.slice(2))
    const short = grant({ expiresAt: START_MS + 5 })
    await store.add(short, alone)
    expect((await store.overdue(START_MS + 4, 100)).map(({ id }) => id)).not.toContain(short.id)
    expect((await store.overdue(START_MS + 5, 100)).map(({ id }) => id)).toContain(short.id)
  })

  test.skipIf(isAbsent)(
    'roles: made, changed, gone; grants of one that is gone allow nothing',
    async () => {
      const by = { id: 'root', at: START_MS }
      await store.putRole({ name: 'reviewer', capabilities: ['read'], paths: ['notes'] }, by, alone)
      await store.loadRoles()
      const one = grant({ resource: 'roles/**', role: 'reviewer' })
      await store.add(one, alone)
      const rule = async () => (await store.rulesFor({ id: 'ada', groups: [] }, 'roles/a'))[0]
      expect(await rule()).toMatchObject({ capabilities: ['read'], paths: ['notes'] })
      await store.putRole(
        { name: 'reviewer', capabilities: ['read', 'write'], paths: null },
        by,
        alone,
      )
      await store.loadRoles()
      expect(await rule()).toMatchObject({ capabilities: ['read', 'write'], paths: null })
      const other = another()
      await other.loadRoles()
      expect([...other.roles.keys()]).toEqual(['reviewer'])
      expect(await store.removeRole('reviewer', alone)).toBe(true)
      expect(await store.removeRole('reviewer', alone)).toBe(false)
      await store.loadRoles()
      expect(await rule()).toMatchObject({ capabilities: [] })
    },
  )

  test.skipIf(isAbsent)('a role of another node is removed before it was heard of', async () => {
    const role = { name: 'just-made', capabilities: ['read'], paths: null } as const
    await another().putRole(role, { id: 'root', at: START_MS }, alone)
    const before = await store.version()
    expect(await store.removeRole('unheard-of', alone)).toBe(false)
    expect(await store.version()).toBe(before)
    expect(await store.removeRole('just-made', alone)).toBe(true)
  })

  test.skipIf(isAbsent)('a reading of roles that comes late changes nothing', async () => {
    const held = Promise.withResolvers<void>()
    let readings = 0
    const slow: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        readings += 1
        if (readings === 1) await held.promise
        return result
      },
    }
    const database = place.open()
    databases.push(database)
    const late = new GrantStore(database.db.withPlugin(slow), clock)
    const first = late.loadRoles()
    await until(() => readings === 1, 'the first has read')
    const role = { name: 'newer', capabilities: ['read'], paths: null } as const
    await store.putRole(role, { id: 'root', at: START_MS }, alone)
    await late.loadRoles()
    held.resolve()
    await first
    await store.removeRole('newer', alone)
    expect([...late.roles.keys()]).toContain('newer')
  })
})
