/** [S4] Seats on both databases: shared by sessions, renewed, and free again when a node is gone. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../../shared/manual-clock.ts'
import type { SpaceName } from '../../../shared/names.ts'
import { noPostgres, postgresStore, sqliteStore } from '../../access/tokens/testing/token-stores.ts'
import { silentLog } from '../../base/log.ts'
import { until } from '../../testing/until.ts'
import { Seats } from './seats.ts'
import { SpaceStore } from './space-store.ts'
import type { Space } from './space.ts'
import type { SpaceTables } from './space-tables.ts'

const plan = 'acme/plan' as SpaceName
const space: Space = {
  name: plan,
  title: null,
  createdBy: 'ada',
  tenant: null,
  createdAt: 0,
  maxSize: 2,
  expiresAt: null,
  closedAt: null,
  joining: 'invite',
  joinRole: 'viewer',
}

describe.each([
  ['SQLite', sqliteStore, false],
  ['Postgres', postgresStore, noPostgres],
])('on %s', (_, open, isAbsent) => {
  let clock: ManualClock
  let stored: Awaited<ReturnType<typeof open>>
  let database: ReturnType<typeof stored.open>
  const all: Seats[] = []
  const node = (name: string) => {
    const seats = new Seats({ database, node: name, clock, log: silentLog })
    all.push(seats)
    return seats
  }
  const sit = (seats: Seats, principal: string) =>
    seats.hold({ space: plan, principal }, 'if there is room')
  const rows = async () => {
    const found = await database.db
      .withTables<SpaceTables>()
      .selectFrom('space_seats')
      .select(['principal', 'node'])
      .orderBy('principal')
      .orderBy('node')
      .execute()
    return found.map(row => `${row.principal} ${row.node}`)
  }

  beforeEach(async context => {
    if (isAbsent) context.skip()
    clock = new ManualClock()
    stored = await open()
    database = stored.open()
    const store = new SpaceStore(database.db)
    await database.db.transaction().execute(trx => store.insert(trx, space))
  })
  afterEach(async () => {
    for (const seats of all.splice(0)) await seats.close()
    if (isAbsent) return
    await database.close()
    await stored.remove()
  })

  test('sessions of one person share one, and it is free when the last of them has left', async () => {
    const one = node('one')
    const [first, second] = await Promise.all([sit(one, 'ada'), sit(one, 'ada')])
    const leaveBob = await sit(one, 'bob')
    await expect(sit(one, 'cleo')).rejects.toMatchObject({ code: 'SPACE_FULL' })
    first()
    first()
    await expect(sit(one, 'cleo')).rejects.toMatchObject({ code: 'SPACE_FULL' })
    second()
    await until(async () => (await rows()).length === 1, 'ada has left')
    await sit(one, 'cleo')
    leaveBob()
    await until(async () => (await rows()).length === 1, 'one is left')
    expect(await rows()).toEqual(['cleo one'])
  })

  test('out and in again at once is in', async () => {
    const one = node('one')
    for (let round = 0; round < 20; round++) (await sit(one, 'ada'))()
    await sit(one, 'ada')
    expect(await rows()).toEqual(['ada one'])
  })

  test('one person on two nodes is one person; the last seat goes to one of many', async () => {
    const [one, two] = [node('one'), node('two')]
    await sit(one, 'ada')
    await sit(two, 'ada')
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_unused, i) => sit(i % 2 === 0 ? one : two, `user-${i}`)),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(new Set((await rows()).map(row => row.split(' ')[0])).size).toBe(2)
  })

  test('a node that is gone gives its seats up in half a minute, one that lives keeps them', async () => {
    const [gone, alive] = [node('gone'), node('alive')]
    await sit(gone, 'ada')
    await sit(alive, 'bob')
    // It renews nothing any more, and has not said goodbye.
    all.splice(all.indexOf(gone), 1)
    gone.halt()
    for (let round = 0; round < 4; round++) {
      clock.advance(10_000)
      await alive.settle()
    }
    await sit(alive, 'cleo')
    expect(await rows()).toEqual(['bob alive', 'cleo alive'])
    await expect(sit(alive, 'dan')).rejects.toMatchObject({ code: 'SPACE_FULL' })
  })

  test('who is in stays in, however small the space becomes', async () => {
    const one = node('one')
    await sit(one, 'ada')
    await sit(one, 'bob')
    await one.hold({ space: plan, principal: 'cleo' }, 'in any case')
    expect(await rows()).toHaveLength(3)
    await expect(sit(one, 'dan')).rejects.toMatchObject({ code: 'SPACE_FULL' })
  })
})
