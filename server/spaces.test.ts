/** Spaces on a whole server, by stock clients of both protocols, on both databases. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import type { Grant } from '../shared/permissions.ts'
import { Postgres } from './testing/postgres.ts'
import { stockProvider, stockYProvider } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const isAbsent = missing('spaces on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const PLAN = '/v1/spaces/acme%2Fplan'
const DOCUMENT = '~space/acme/plan'
const editor: Grant[] = [{ resource: 'acme/**', role: 'editor' }]
const nothing: Grant[] = []

describe.each(['SQLite', 'Postgres'] as const)('spaces on %s', kind => {
  let postgres: Postgres | undefined
  let server: TestApp
  let settings: Record<string, string>
  const servers: TestApp[] = []
  const clients: { destroy(): void }[] = []

  const start = async () => {
    const started = await startTestApp({ settings })
    servers.push(started)
    return started
  }
  const send = (method: string, path: string, sub: string, body?: object, grants = nothing) =>
    server.fetch(path, {
      method,
      sub,
      grants,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  const create = async (terms: object = {}, sub = 'ada') => {
    const answer = await send('POST', '/v1/spaces', sub, { name: 'acme/plan', ...terms }, editor)
    expect(answer.status, await answer.clone().text()).toBe(201)
    return answer.json() as Promise<{ status: string }>
  }
  const codeOf = async (answer: Response | Promise<Response>) =>
    ((await (await answer).json()) as { code?: string }).code
  const add = async (user: string, role = 'viewer') => {
    const answer = await send('PUT', `${PLAN}/members/${user}`, 'ada', { role })
    expect(answer.status, await answer.clone().text()).toBe(204)
  }
  const connect = async (sub: string, name = DOCUMENT, grants = nothing, where = server) => {
    const token = await where.token(sub, { grants })
    const client = stockProvider({ url: where.syncUrl, name, token })
    clients.push(client)
    return client
  }
  const enter = async (sub: string, where = server) => {
    const client = await connect(sub, DOCUMENT, nothing, where)
    await until(() => client.provider.isSynced || client.failures.length > 0, `${sub} is in`)
    expect(client.failures).toEqual([])
    return client
  }
  const connectY = async (sub: string, name = DOCUMENT, grants = nothing) => {
    const token = await server.token(sub, { grants })
    const client = stockYProvider({ url: server.yUrl, name, token })
    clients.push(client)
    return client
  }
  type Client = Awaited<ReturnType<typeof connect>> | Awaited<ReturnType<typeof connectY>>
  const names = ({ provider }: Client) =>
    [...(provider.awareness?.getStates().values() ?? [])].flatMap(state => {
      const { id } = (state as { user?: { id?: string } }).user ?? {}
      return id === undefined ? [] : [id]
    })
  const present = async (sub = 'ada') => {
    const answer = await send('GET', `${PLAN}/presence`, sub)
    return ((await answer.json()) as { people: { id: string }[] }).people.map(({ id }) => id)
  }

  beforeAll(async () => {
    if (kind === 'Postgres' && !isAbsent) postgres = await Postgres.start({ fsync: 'off' })
  })
  afterAll(() => postgres?.remove())
  beforeEach(async context => {
    if (kind === 'Postgres' && postgres === undefined) context.skip()
    settings = postgres === undefined ? {} : { WEFT_DATABASE_URL: await postgres.createDatabase() }
    server = await start()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const one of servers.splice(0)) await one.stop()
  })

  test('[S1] people are present in a space without opening a document of it, by both protocols', async () => {
    await create()
    await add('bob')
    const ada = await enter('ada')
    const bob = await connectY('bob')
    ada.provider.setAwarenessField('viewing', 'board')
    bob.provider.awareness.setLocalStateField('viewing', 'list')
    await until(() => names(ada).includes('bob') && names(bob).includes('ada'), 'each other')
    expect(await present()).toEqual(['ada', 'bob'])
    const info: unknown = await (await send('GET', PLAN, 'bob')).json()
    expect(info).toMatchObject({
      status: 'active',
      memberCount: 2,
      presentCount: 2,
      createdBy: 'ada',
    })
    const documents = await send('GET', '/v1/documents', 'ada', undefined, editor)
    expect(await documents.json()).toMatchObject({ documents: [] })
    bob.destroy()
    await until(() => !names(ada).includes('bob'), 'bob has left')
  })

  test('[S2] nobody writes its content, owners and admins neither; a guest of one document is no reader', async () => {
    await create()
    const ada = await enter('ada')
    ada.text.insert(0, 'forbidden')
    await until(() => ada.stateless.some(({ type }) => type === 'weft.error'), 'refused')
    const admin = await connectY('root', DOCUMENT, [{ resource: '**', role: 'admin' }])
    await until(() => admin.provider.synced, 'the admin is in')
    admin.text.insert(0, 'forbidden')
    const bob = await connect('bob', DOCUMENT, [{ resource: 'acme/plan/notes', role: 'owner' }])
    await until(() => bob.failures.length > 0, 'refused')
    expect(bob.failures).toEqual(['FORBIDDEN'])
    await add('cleo')
    const cleo = await enter('cleo')
    expect(cleo.text.toString()).toBe('')
    for (const resource of [DOCUMENT, '~user/bob', '~space/**']) {
      const order = { subject: 'user:bob', resource, role: 'owner' }
      const root: Grant[] = [{ resource: '**', role: 'admin' }]
      expect(await codeOf(send('POST', '/v1/grants', 'root', order, root))).toBe('NAME_RESERVED')
    }
  })

  test('[S3] a member who is removed is told and sent off, and nobody else is', async () => {
    await create({ joining: 'open' })
    await add('bob')
    await add('cleo')
    const [ada, bob, cleo] = [await enter('ada'), await enter('bob'), await connectY('cleo')]
    for (const { provider } of [ada, bob]) provider.setAwarenessField('viewing', 'x')
    cleo.provider.awareness.setLocalStateField('viewing', 'x')
    await until(() => names(ada).length === 2 && names(cleo).length === 2, 'all are in')
    expect((await send('DELETE', `${PLAN}/members/bob`, 'ada')).status).toBe(204)
    await until(() => bob.stateless.some(({ type }) => type === 'weft.error'), 'told')
    expect(bob.stateless.at(-1)).toMatchObject({ error: { code: 'FORBIDDEN' } })
    await until(() => !names(ada).includes('bob'), 'gone')
    await until(() => !names(cleo).includes('bob'), 'gone')
    expect(names(cleo)).toEqual(['ada'])
    expect(ada.failures).toEqual([])
    expect(cleo.closes).toEqual([])
    // Nor do they come back by joining, until somebody adds them.
    expect(await codeOf(send('POST', `${PLAN}/join`, 'bob'))).toBe('FORBIDDEN')
    await add('bob')
    await enter('bob')
  })

  test('[S4] a full space refuses one person more on both protocols, and has room for second devices', async () => {
    await create({ maxSize: 2 })
    for (const user of ['bob', 'cleo']) await add(user)
    const ada = await enter('ada')
    await enter('ada')
    const bob = await enter('bob')
    const cleo = await connect('cleo')
    await until(() => cleo.failures.length > 0, 'full')
    expect(cleo.failures).toEqual(['SPACE_FULL'])
    const second = await connectY('cleo')
    await until(() => second.closes.length > 0, 'full')
    expect(second.closes[0]?.code).toBe(4509)
    second.destroy()
    const owner = [{ resource: '**', role: 'admin' as const }]
    const admin = await connect('root', DOCUMENT, owner)
    await until(() => admin.failures.length > 0, 'admins too')
    const announced = await server.fetch(
      `/v1/documents/${encodeURIComponent(DOCUMENT)}/presence/x`,
      {
        method: 'PUT',
        sub: 'cleo',
        grants: nothing,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ state: {} }),
      },
    )
    expect(await codeOf(announced)).toBe('SPACE_FULL')
    expect(ada.failures).toEqual([])
    bob.destroy()
    await until(async () => {
      const again = await connect('cleo')
      await until(() => again.provider.isSynced || again.failures.length > 0, 'an answer')
      if (!again.provider.isSynced) again.destroy()
      return again.provider.isSynced
    }, 'there is room again')
  })

  test('[S5] at its end everybody is sent off by the clock, and it can be prolonged', async () => {
    await create({ joining: 'open', joinRole: 'editor' })
    expect(await (await send('POST', `${PLAN}/join`, 'bob')).json()).toEqual({ role: 'editor' })
    const [ada, bob] = [await enter('ada'), await connectY('bob')]
    await until(() => bob.provider.synced, 'both are in')
    const end = Date.now() + 1_500
    const expiresAt = new Date(end).toISOString()
    expect((await send('PATCH', PLAN, 'ada', { expiresAt })).status).toBe(200)
    const [grant] = await memberGrants('bob')
    expect(grant).toMatchObject({ expiresAt })
    await until(() => ada.stateless.some(({ type }) => type === 'weft.error'), 'over')
    expect(Date.now() - end).toBeLessThan(2_000)
    expect(ada.stateless.at(-1)).toMatchObject({ error: { code: 'SPACE_CLOSED' } })
    await until(() => bob.closes.length > 0, 'over')
    expect(bob.closes[0]?.code).toBe(4410)
    bob.destroy()
    expect(await (await send('GET', PLAN, 'ada')).json()).toMatchObject({ status: 'expired' })
    expect(await codeOf(send('POST', `${PLAN}/join`, 'cleo'))).toBe('SPACE_CLOSED')
    const late = await connect('ada')
    await until(() => late.failures.length > 0, 'refused')
    expect(late.failures).toEqual(['SPACE_CLOSED'])
    const later = new Date(Date.now() + 60_000).toISOString()
    expect((await send('PATCH', PLAN, 'ada', { expiresAt: later })).status).toBe(200)
    await enter('ada')
  })

  const memberGrants = async (user: string) => {
    const answer = await send('GET', `/v1/grants?subject=user:${user}`, user)
    return ((await answer.json()) as { grants: object[] }).grants
  }

  test('[S6] closing sends everybody off, and opening it again lets them in', async () => {
    await create()
    const ada = await enter('ada')
    expect((await send('PATCH', PLAN, 'ada', { closed: true })).status).toBe(200)
    await until(() => ada.stateless.some(({ type }) => type === 'weft.error'), 'closed')
    expect(ada.stateless.at(-1)).toMatchObject({ error: { code: 'SPACE_CLOSED' } })
    expect(await codeOf(send('PUT', `${PLAN}/members/bob`, 'ada', { role: 'viewer' }))).toBe(
      'SPACE_CLOSED',
    )
    expect((await send('PATCH', PLAN, 'ada', { closed: false })).status).toBe(200)
    await enter('ada')
  })

  test('[S7] joining: by invitation, open, twice, and leaving', async () => {
    await create()
    expect(await codeOf(send('POST', `${PLAN}/join`, 'bob'))).toBe('FORBIDDEN')
    expect(await codeOf(send('POST', '/v1/spaces/none/join', 'bob'))).toBe('FORBIDDEN')
    await send('PATCH', PLAN, 'ada', { joining: 'open', joinRole: 'commenter' })
    expect(await (await send('POST', `${PLAN}/join`, 'bob')).json()).toEqual({ role: 'commenter' })
    expect(await (await send('POST', `${PLAN}/join`, 'bob')).json()).toEqual({ role: null })
    const members: unknown = await (await send('GET', `${PLAN}/members?limit=1`, 'bob')).json()
    expect(members).toMatchObject({ members: [{ user: 'ada', role: 'owner' }], next: 'ada' })
    const rest: unknown = await (await send('GET', `${PLAN}/members?cursor=ada`, 'bob')).json()
    expect(rest).toMatchObject({ members: [{ user: 'bob', role: 'commenter' }], next: null })
    const bob = await enter('bob')
    expect((await send('DELETE', `${PLAN}/members/bob`, 'bob')).status).toBe(204)
    await until(() => bob.stateless.some(({ type }) => type === 'weft.error'), 'out')
    expect((await send('GET', PLAN, 'bob')).status).toBe(403)
    expect((await send('POST', `${PLAN}/join`, 'bob')).status).toBe(200)
  })

  // A store that is one server's own knows no second one.
  test.each(kind === 'Postgres' ? ['two servers'] : [])(
    '[S8] of %s one gives the last seat',
    async () => {
      const other = await start()
      await create({ maxSize: 1 })
      const users = ['bob', 'cleo', 'dan', 'eve']
      for (const user of users) await add(user)
      const all = await Promise.all(
        users.map((user, i) => connect(user, DOCUMENT, nothing, i % 2 === 0 ? server : other)),
      )
      await until(
        () => all.every(({ provider, failures }) => provider.isSynced || failures.length > 0),
        'all have an answer',
      )
      expect(all.filter(({ provider }) => provider.isSynced)).toHaveLength(1)
      expect(all.flatMap(({ failures }) => failures)).toEqual(Array(3).fill('SPACE_FULL'))
      // On the other server, too, whoever is in is sent off when it is closed.
      await send('PATCH', PLAN, 'ada', { closed: true })
      const [lucky] = all.filter(({ failures }) => failures.length === 0)
      await until(() => (lucky?.stateless.length ?? 0) > 0, 'closed')
      expect(lucky?.stateless.at(-1)).toMatchObject({ error: { code: 'SPACE_CLOSED' } })
    },
  )

  test('[S9] the document of a user is theirs alone, on every door', async () => {
    const ada = await connect('ada', '~user/ada')
    await until(() => ada.provider.isSynced, 'her own')
    ada.text.insert(0, 'mine')
    await until(() => !ada.provider.hasUnsyncedChanges, 'saved')
    const second = await connectY('ada', '~user/ada')
    await until(() => second.text.toString() === 'mine', 'on her other device')
    const everything: Grant[] = [{ resource: '**', role: 'owner' }]
    const bob = await connect('bob', '~user/ada', everything)
    const bobY = await connectY('bob', '~user/ada', everything)
    await until(() => bob.failures.length > 0 && bobY.closes.length > 0, 'refused')
    expect(bob.failures).toEqual(['FORBIDDEN'])
    expect(bobY.closes[0]?.code).toBe(4403)
    bobY.destroy()
    const other = await connect('ada', '~user/t1/ada')
    await until(() => other.failures.length > 0, 'of another tenant')
    const path = '/v1/documents/~user%2Fada/presence'
    expect((await send('GET', path, 'bob', undefined, everything)).status).toBe(403)
    expect((await send('GET', path, 'ada')).status).toBe(200)
    const content = '/v1/documents/~user%2Fada/content'
    expect(await codeOf(send('GET', content, 'bob', undefined, everything))).toBe('NAME_RESERVED')
    const explained = '/v1/access/explain?resource=~user/ada&capability=write'
    expect(await (await send('GET', explained, 'ada')).json()).toMatchObject({ allowed: true })
    expect(await (await send('GET', explained, 'bob', undefined, everything)).json()).toMatchObject(
      {
        allowed: false,
      },
    )
  })

  test('[S11] among the devices of a user each state says where it comes from, and nowhere else', async () => {
    const from = async (device: string, name: string) => {
      const token = await server.token('ada', { grants: editor })
      const client = stockProvider({ url: `${server.syncUrl}?${device}`, name, token })
      clients.push(client)
      await until(() => client.provider.isSynced, 'in')
      return client
    }
    const states = ({ provider, doc }: Awaited<ReturnType<typeof from>>) =>
      [...(provider.awareness?.getStates() ?? [])].filter(([id]) => id !== doc.clientID)
    const laptop = await from('device=laptop&deviceName=Ada%E2%80%AE%27s%20laptop', '~user/ada')
    const phone = await from('device=phone', '~user/ada')
    laptop.provider.setAwarenessField('device', { id: 'forged' })
    await until(() => states(phone).length > 0, 'seen')
    expect(states(phone)).toMatchObject([
      [laptop.doc.clientID, { device: { id: 'laptop', name: "Ada's laptop" } }],
    ])
    const elsewhere = await from('device=laptop&deviceName=Other', 'acme/notes')
    const other = await from('device=phone', 'acme/notes')
    elsewhere.provider.setAwarenessField('viewing', 'x')
    await until(() => states(other).length > 0, 'seen')
    expect(states(other)[0]?.[1]).not.toHaveProperty('device')
    const listed = await send('GET', '/v1/users/ada/devices', 'ada', undefined, editor)
    expect(await listed.json()).toMatchObject({
      devices: [
        { id: 'laptop', name: "Ada's laptop", documents: ['acme/notes', '~user/ada'] },
        { id: 'phone', name: null, documents: ['acme/notes', '~user/ada'] },
      ],
    })
    expect((await send('GET', '/v1/users/ada/devices', 'bob', undefined, editor)).status).toBe(403)
  })

  test('[S10] who somebody is comes from the token, whatever they say', async () => {
    await create()
    await add('eve')
    const [ada, eve] = [await enter('ada'), await enter('eve')]
    eve.provider.setAwarenessField('user', { id: 'ada', name: 'Ada' })
    await until(() => names(ada).length === 1, 'seen')
    expect(names(ada)).toEqual(['eve'])
    expect(await present()).toEqual(['ada', 'eve'])
  })
})
