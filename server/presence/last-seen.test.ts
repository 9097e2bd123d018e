/** Over both databases: when people were last seen. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import {
  noPostgres,
  postgresStore,
  sqliteStore,
  START_MS,
  type TokenStore,
} from '../access/tokens/testing/token-stores.ts'
import { silentLog } from '../base/log.ts'
import type { Database } from '../database/database.ts'
import { LastSeen, type Sighting } from './last-seen.ts'

const stores: readonly [string, boolean, () => Promise<TokenStore>][] = [
  ['sqlite', false, sqliteStore],
  ['postgres', noPostgres, postgresStore],
]
const MINUTE_MS = 60_000
const YEAR_MS = 365 * 86_400_000

describe.each(stores)('last seen on %s', (_name, isAbsent, create) => {
  let place: TokenStore
  let clock: ManualClock
  let databases: Database[] = []
  const node = (present: () => readonly Sighting[] = () => []) => {
    const database = place.open()
    databases.push(database)
    return new LastSeen({ database, present, clock, log: silentLog })
  }
  beforeAll(async () => {
    if (!isAbsent) place = await create()
  }, 60_000)
  afterAll(async () => {
    if (!isAbsent) await place.remove()
  })
  beforeEach(() => {
    clock = new ManualClock(START_MS)
  })
  afterEach(async () => {
    for (const database of databases) await database.close()
    databases = []
  })

  test.skipIf(isAbsent)('[P13] written each minute, and when somebody leaves', async () => {
    const here: Sighting[] = [{ userId: 'ada', document: 'a' }]
    const [one, other] = [node(() => here), node()]
    expect(await one.of('ada')).toEqual([])
    clock.advance(MINUTE_MS)
    await one.close()
    expect(await other.of('ada')).toEqual([{ document: 'a', at: START_MS + MINUTE_MS }])
    clock.advance(500)
    const next = node()
    next.left({ userId: 'ada', document: 'b' })
    expect(await next.of('ada')).toMatchObject([{ document: 'b' }, { document: 'a' }])
    await next.close()
    expect(await other.of('ada')).toMatchObject([{ document: 'b' }, { document: 'a' }])
    expect(await other.of('bob')).toEqual([])
    await other.close()
  })

  test.skipIf(isAbsent)('[P13] never set back by a node that saw them earlier', async () => {
    const [early, late] = [node(), node()]
    early.left({ userId: 'eve', document: 'a' })
    clock.advance(500)
    late.left({ userId: 'eve', document: 'a' })
    await late.close()
    await early.close()
    const [seen] = await node().of('eve')
    expect(seen?.at).toBe(START_MS + 500)
  })

  test.skipIf(isAbsent)('[P13] forgotten after a year; many at once are written', async () => {
    const crowd = node()
    for (let i = 0; i < 1_000; i++) crowd.left({ userId: `user-${i}`, document: 'a' })
    await crowd.close()
    const later = node()
    expect(await later.of('user-999')).toHaveLength(1)
    await later.close()
    clock = new ManualClock(START_MS + YEAR_MS)
    const muchLater = node()
    clock.advance(3_600_000)
    await expect.poll(() => muchLater.of('user-999')).toEqual([])
    await muchLater.close()
  })
})
