/** Requests about one space at the same time: none undoes what another one did, or slips through. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import type { Grant } from '../shared/permissions.ts'
import { Postgres } from './testing/postgres.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'

const isAbsent = missing('races on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const PLAN = '/v1/spaces/acme%2Fplan'
const editor: Grant[] = [{ resource: 'acme/**', role: 'editor' }]
const nothing: Grant[] = []

describe.each(['SQLite', 'Postgres'] as const)('spaces at the same time on %s', kind => {
  let postgres: Postgres | undefined
  let server: TestApp
  const send = (method: string, path: string, sub: string, body?: object, grants = nothing) =>
    server.fetch(path, {
      method,
      sub,
      grants,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  const create = async (terms: object = {}) => {
    const answer = await send('POST', '/v1/spaces', 'ada', { name: 'acme/plan', ...terms }, editor)
    expect(answer.status, await answer.clone().text()).toBe(201)
  }
  const members = async () => {
    const answer = await send('GET', `${PLAN}/members?limit=200`, 'ada')
    return ((await answer.json()) as { members: { user: string; expiresAt: string | null }[] })
      .members
  }

  beforeAll(async () => {
    if (kind === 'Postgres' && !isAbsent) postgres = await Postgres.start({ fsync: 'off' })
  })
  afterAll(() => postgres?.remove())
  beforeEach(async context => {
    if (kind === 'Postgres' && postgres === undefined) return context.skip()
    const settings =
      postgres === undefined ? {} : { WEFT_DATABASE_URL: await postgres.createDatabase() }
    server = await startTestApp({ settings })
  })
  afterEach(() => server.stop())

  test('a space that one closes is not opened by another who gives it a title', async () => {
    await create()
    for (let round = 0; round < 10; round++) {
      await send('PATCH', PLAN, 'ada', { closed: false, joinRole: 'editor' })
      const answers = await Promise.all([
        send('PATCH', PLAN, 'ada', { title: `${round}` }),
        send('PATCH', PLAN, 'ada', { closed: true }),
        send('PATCH', PLAN, 'ada', { joinRole: 'viewer' }),
        send('PATCH', PLAN, 'ada', { maxSize: round + 2 }),
      ])
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      const info: unknown = await (await send('GET', PLAN, 'ada')).json()
      expect(info).toMatchObject({ title: `${round}`, status: 'closed', maxSize: round + 2 })
    }
  })

  test('whoever joins while its end is moved ends with it', async () => {
    const [late, soon] = ['2100-01-01T00:00:00Z', '2050-01-01T00:00:00Z']
    await create({ joining: 'open', expiresAt: late })
    for (let round = 0; round < 6; round++) {
      await send('PATCH', PLAN, 'ada', { expiresAt: late })
      await Promise.all([
        send('PATCH', PLAN, 'ada', { expiresAt: soon }),
        ...Array.from({ length: 8 }, (_, n) => send('POST', `${PLAN}/join`, `u${round}-${n}`)),
      ])
      const ends = (await members()).filter(({ user }) => user !== 'ada')
      const asEnds = new Set(ends.map(({ expiresAt }) => Date.parse(expiresAt ?? '')))
      expect([...asEnds]).toEqual([Date.parse(soon)])
    }
  })

  test('nobody joins once it was answered that it is by invitation', async () => {
    await create({ joining: 'open' })
    for (let round = 0; round < 6; round++) {
      await send('PATCH', PLAN, 'ada', { joining: 'open' })
      let isClosed = false
      const late: string[] = []
      await Promise.all([
        send('PATCH', PLAN, 'ada', { joining: 'invite' }).then(() => (isClosed = true)),
        ...Array.from({ length: 8 }, async (_, n) => {
          const before = isClosed
          const answer = await send('POST', `${PLAN}/join`, `v${round}-${n}`)
          if (before && answer.status === 200) late.push(`v${round}-${n}`)
        }),
      ])
      expect(late).toEqual([])
    }
  })

  test('a member who is made less is that, by however many grants they were more', async () => {
    await create()
    const root: Grant[] = [{ resource: '**', role: 'admin' }]
    for (const role of ['editor', 'owner', 'viewer']) {
      const grant = { subject: 'user:bob', resource: 'acme/plan/**', role }
      expect((await send('POST', '/v1/grants', 'root', grant, root)).status).toBe(201)
    }
    expect((await send('PUT', `${PLAN}/members/bob`, 'ada', { role: 'viewer' })).status).toBe(204)
    for (const capability of ['share', 'write']) {
      const path = `/v1/access/explain?resource=acme/plan/x&capability=${capability}`
      expect(await (await send('GET', path, 'bob')).json()).toMatchObject({ allowed: false })
    }
  })
})
