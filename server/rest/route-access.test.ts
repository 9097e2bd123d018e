/** [T21] Every route that the server describes, for everybody there is: each cell stands in a table. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Grant } from '../../shared/permissions.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'

/** From whoever may least. */
const people = {
  nobody: undefined,
  stranger: [{ resource: 'other/**', role: 'viewer' }],
  viewer: [{ resource: 'acme/**', role: 'viewer' }],
  editor: [{ resource: 'acme/**', role: 'editor' }],
  owner: [{ resource: 'acme/**', role: 'owner' }],
  operator: [{ resource: '**', role: 'operator' }],
  analyst: [{ resource: '**', role: 'analyst' }],
  admin: [{ resource: '**', role: 'admin' }],
} as const satisfies Record<string, readonly Grant[] | undefined>
type Person = keyof typeof people
const names = Object.keys(people) as readonly Person[]

type Row = {
  /** For each of `people`, in their order. */
  readonly statuses: readonly number[]
  readonly body?: readonly [type: string, content: string]
  readonly headers?: Readonly<Record<string, string>>
  /** Other than the description's, with its parameters filled in. */
  readonly path?: string
}

const json = (content: unknown) => ['application/json', JSON.stringify(content)] as const
const all = (status: number) => names.map(() => status)
/** Nobody; then strangers, and those of the server who have no business with documents. */
const document = (
  statuses: Readonly<Record<'viewer' | 'editor' | 'owner', number>>,
  admin: number,
) => [401, 403, statuses.viewer, statuses.editor, statuses.owner, 403, 403, admin]
const server = (operator: number, admin: number) => [401, 403, 403, 403, 403, operator, 403, admin]

const known = (status: number) => [401, ...names.slice(1).map(() => status)]
/** For those who may share the document. */
const sharing = (status: number) => [401, 403, 403, 403, status, 403, 403, status]
const auditing = [401, 403, 403, 403, 403, 403, 200, 200]

const DOCUMENT = '/v1/documents/acme%2Fnotes'
const rows: Readonly<Record<string, Row>> = {
  'get /livez': { statuses: all(200) },
  'get /readyz': { statuses: all(200) },
  'get /healthz': { statuses: all(200) },
  'post /v1/dev/tokens': { statuses: all(200), body: json({ sub: 'ada' }) },
  // What they may not read is not in it; a test of its own says so.
  'get /v1/documents': { statuses: [401, 200, 200, 200, 200, 200, 200, 200] },
  'get /v1/documents/{name}': { statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200) },
  'get /v1/documents/{name}/content': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
  },
  'put /v1/documents/{name}': {
    statuses: document({ viewer: 403, editor: 200, owner: 200 }, 200),
  },
  'delete /v1/documents/{name}': {
    statuses: document({ viewer: 403, editor: 403, owner: 204 }, 204),
  },
  'post /v1/documents/{name}/update': {
    statuses: document({ viewer: 403, editor: 200, owner: 200 }, 200),
    body: ['application/octet-stream', '\0\0'],
  },
  'patch /v1/documents/{name}/json': {
    statuses: document({ viewer: 403, editor: 200, owner: 200 }, 200),
    body: ['application/json-patch+json', '[]'],
  },
  'post /v1/documents/{name}/text': {
    statuses: document({ viewer: 403, editor: 200, owner: 200 }, 200),
    body: json({ edits: [{ root: 'text', at: { quote: 'words' }, insert: 'words' }] }),
  },
  'get /v1/documents/{name}/presence': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
  },
  'post /v1/documents/{name}/signals': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
    path: `${DOCUMENT}/signals`,
    body: json({ type: 'chat.message', data: 'hi' }),
  },
  'post /v1/signals': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
    body: json({ to: { document: 'acme/notes' }, type: 'chat.message', data: 'hi' }),
  },
  'put /v1/documents/{name}/presence/{id}': {
    statuses: document({ viewer: 403, editor: 200, owner: 200 }, 200),
    path: `${DOCUMENT}/presence/x`,
    body: json({ state: { status: 'busy' }, ttlMs: 1_000 }),
  },
  'delete /v1/documents/{name}/presence/{id}': {
    statuses: document({ viewer: 204, editor: 204, owner: 204 }, 204),
    path: `${DOCUMENT}/presence/x`,
  },
  // Of documents that the asker may not read nothing is in it; a test of its own says so.
  'get /v1/users/{id}/presence': { statuses: known(200), path: '/v1/users/ada/presence' },
  // Of oneself, and for admins.
  'get /v1/users/{id}/devices': {
    statuses: server(403, 200),
    path: '/v1/users/ada/devices',
  },
  // In this order: the owner creates it first, and the space is there for the rows that follow.
  'post /v1/spaces': {
    statuses: [401, 403, 403, 403, 201, 403, 403, 409],
    body: json({ name: 'acme' }),
  },
  'get /v1/spaces': { statuses: known(200) },
  'get /v1/spaces/{name}': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
    path: '/v1/spaces/acme',
  },
  'patch /v1/spaces/{name}': {
    statuses: sharing(200),
    path: '/v1/spaces/acme',
    body: json({ title: 'Acme' }),
  },
  'get /v1/spaces/{name}/presence': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
    path: '/v1/spaces/acme/presence',
  },
  'get /v1/spaces/{name}/members': {
    statuses: document({ viewer: 200, editor: 200, owner: 200 }, 200),
    path: '/v1/spaces/acme/members',
  },
  // By invitation alone, for owners too.
  'post /v1/spaces/{name}/join': { statuses: known(403), path: '/v1/spaces/acme/join' },
  // What comes from tokens nobody can give up.
  'post /v1/spaces/{name}/leave': { statuses: known(204), path: '/v1/spaces/acme/leave' },
  'put /v1/spaces/{name}/members/{user}': {
    statuses: sharing(204),
    path: '/v1/spaces/acme/members/guest',
    body: json({ role: 'viewer' }),
  },
  'delete /v1/spaces/{name}/members/{user}': {
    statuses: sharing(204),
    path: '/v1/spaces/acme/members/guest',
  },
  'delete /v1/spaces/{name}': {
    statuses: [401, 403, 403, 403, 204, 403, 403, 404],
    path: '/v1/spaces/acme',
  },
  'get /v1/admin/circuit-breakers': { statuses: server(200, 200) },
  'post /v1/admin/disconnect': { statuses: server(200, 200), body: json({ user: 'none' }) },
  'get /v1/grants': { statuses: sharing(200), path: '/v1/grants?resource=acme/notes' },
  'post /v1/grants': {
    statuses: sharing(201),
    body: json({ subject: 'user:guest', resource: 'acme/notes', role: 'viewer' }),
  },
  'get /v1/grants/{id}': { statuses: sharing(200) },
  'patch /v1/grants/{id}': { statuses: sharing(200), body: json({ role: 'commenter' }) },
  'delete /v1/grants/{id}': { statuses: sharing(204) },
  'get /v1/access/explain': {
    statuses: sharing(200),
    path: '/v1/access/explain?resource=acme/notes&user=guest',
  },
  'get /v1/roles': { statuses: known(200) },
  'put /v1/roles/{name}': { statuses: server(403, 200), body: json({ capabilities: ['read'] }) },
  'delete /v1/roles/{name}': { statuses: server(403, 204) },
  'get /v1/audit': { statuses: auditing },
  'get /v1/audit/export': { statuses: auditing },
  'get /v1/keys': { statuses: server(403, 200) },
  'post /v1/keys': {
    statuses: server(403, 201),
    body: json({ name: 'app', scopes: ['documents:read'] }),
  },
  // There is no such key; only admins hear of that.
  'post /v1/keys/{id}/rotate': { statuses: server(403, 404) },
  'delete /v1/keys/{id}': { statuses: server(403, 404) },
  // With a key alone.
  'post /v1/tokens': { statuses: known(403), body: json({ sub: 'ada' }) },
  'post /v1/tokens/refresh': { statuses: all(401), body: json({ refreshToken: 'none' }) },
  'post /v1/tokens/revoke': { statuses: server(403, 204), body: json({ jti: 'none' }) },

  // Anybody may ask, for themselves; a few times.
  'post /v1/access-requests': {
    statuses: known(201),
    body: json({ resource: 'acme/other', role: 'viewer' }),
  },
  'post /v1/access-requests/emergency': {
    statuses: known(403),
    body: json({ resource: 'acme/other', role: 'viewer', reason: 'fire' }),
  },
  'get /v1/access-requests': { statuses: known(200), path: '/v1/access-requests?mine=true' },
  'get /v1/access-requests/{id}': { statuses: known(404), path: '/v1/access-requests/none' },
  'post /v1/access-requests/{id}/decision': {
    statuses: known(404),
    path: '/v1/access-requests/none/decision',
    body: json({ decision: 'deny' }),
  },
  'post /v1/access-requests/{id}/cancel': {
    statuses: known(404),
    path: '/v1/access-requests/none/cancel',
  },
  'put /v1/access-policies/{pattern}': {
    statuses: sharing(200),
    path: '/v1/access-policies/acme%2Fnotes',
    body: json({
      steps: [{ mode: 'any', approvers: ['owners'], timeoutMs: 60_000 }],
      ceiling: { roles: ['viewer'], maxDurationMs: 60_000 },
    }),
  },
  'get /v1/access-policies/{pattern}': {
    statuses: sharing(200),
    path: '/v1/access-policies/acme%2Fnotes',
  },
  // There is nothing left of it when the admin comes.
  'delete /v1/access-policies/{pattern}': {
    statuses: [401, 403, 403, 403, 204, 403, 403, 404],
    path: '/v1/access-policies/acme%2Fnotes',
  },
  'get /.well-known/jwks.json': { statuses: all(200) },
}

describe('[T21] who may do what over REST', () => {
  let app: TestApp
  let described: readonly string[]
  beforeAll(async () => {
    app = await startTestApp()
    const { paths } = (await (await fetch(`${app.url}/v1/openapi.json`)).json()) as {
      paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
    }
    described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    await seed()
  })
  afterAll(() => app.stop())

  let grantId = ''
  let seeds = 0
  const seed = async () => {
    const grants: Grant[] = [{ resource: '**', role: 'admin' }]
    const headers = { 'content-type': 'application/json' }
    const role = { method: 'PUT', headers, body: '{"capabilities":["read"]}', grants }
    expect((await app.fetch('/v1/roles/looker', role)).status).toBe(200)
    // A subject of its own each time: of one there are so many grants and no more.
    const order = { subject: `user:${++seeds}`, resource: 'acme/notes', role: 'viewer' }
    const given = { method: 'POST', headers, body: JSON.stringify(order), grants }
    grantId = ((await (await app.fetch('/v1/grants', given)).json()) as { id: string }).id
    await seedDocuments()
  }
  const seedDocuments = async () => {
    for (const name of ['acme%2Fnotes', 'other%2Fnotes']) {
      const headers = { 'content-type': 'application/json', 'if-none-match': '*' }
      const body = '{"text":"words"}'
      const made = await app.fetch(`/v1/documents/${name}`, { method: 'PUT', headers, body })
      expect([201, 412]).toContain(made.status)
    }
  }

  const ask = async (route: string, person: Person, { body, headers, path }: Row) => {
    const [method = '', described = ''] = route.split(' ', 2)
    const sent = new Headers({
      ...headers,
      ...(body === undefined ? {} : { 'content-type': body[0] }),
    })
    const grants = people[person]
    if (grants !== undefined) {
      sent.set('authorization', `Bearer ${await app.token(person, { grants })}`)
    }
    const address =
      path ??
      described
        .replace('/v1/documents/{name}', DOCUMENT)
        .replace('{name}', 'looker')
        .replace('{id}', grantId)
    const answer = await fetch(`${app.url}${address}`, {
      method: method.toUpperCase(),
      headers: sent,
      ...(body === undefined ? {} : { body: body[1] }),
    })
    await answer.arrayBuffer()
    return answer.status
  }

  test('every route that is described has a row, and every row a route', () => {
    expect(described.toSorted()).toEqual(Object.keys(rows).toSorted())
  })

  test.each(Object.entries(rows))('%s', async (route, row) => {
    const statuses: Partial<Record<Person, number>> = {}
    for (const person of names) {
      await seed()
      statuses[person] = await ask(route, person, row)
    }
    expect(statuses).toEqual(Object.fromEntries(names.map((name, n) => [name, row.statuses[n]])))
  })

  test('a list holds what the asker may read, and says nothing of the rest', async () => {
    const listed = async (person: Person) => {
      const grants = people[person] ?? []
      const answer = await app.fetch('/v1/documents', { grants: [...grants] })
      const { documents } = (await answer.json()) as { documents: readonly { name: string }[] }
      return documents.map(({ name }) => name)
    }
    await seed()
    expect(await listed('stranger')).toEqual(['other/notes'])
    expect(await listed('viewer')).toEqual(['acme/notes'])
    expect(await listed('operator')).toEqual([])
    expect(await listed('analyst')).toEqual([])
    expect(await listed('admin')).toEqual(['acme/notes', 'other/notes'])
  })

  test.each([
    ['GET', '/v1'],
    ['GET', '/v1/'],
    ['GET', '/v1/nothing'],
    ['POST', '/v1/documents'],
    ['DELETE', '/v1/admin/circuit-breakers'],
    ['PUT', '/v1/admin'],
    ['GET', '/v1/documents/a/../../admin/disconnect'],
    ['GET', '/v1//documents'],
    ['GET', '/V1/documents'],
    ['POST', '/livez'],
    ['GET', '/.env'],
    ['GET', '/server/main.ts'],
    ['GET', '/%2e%2e/package.json'],
  ])('%s %s is nothing, for an admin too', async (method, path) => {
    const answer = await app.fetch(path, { method, grants: [{ resource: '**', role: 'admin' }] })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
  })

  test('every answer says to browsers what they must not do', async () => {
    const answers = await Promise.all(
      [
        '/livez',
        '/metrics',
        '/v1/openapi.json',
        '/v1/documents',
        '/nothing',
        '/',
        '/v1/documents?jwt=x',
      ].map(path => fetch(`${app.url}${path}`)),
    )
    for (const { headers, url } of answers) {
      expect([url, Object.fromEntries(headers)]).toMatchObject([
        url,
        {
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
          'referrer-policy': 'no-referrer',
          'cross-origin-resource-policy': 'same-origin',
          'cross-origin-opener-policy': 'same-origin',
          'content-security-policy': expect.stringMatching(
            /^default-src 'none'.*frame-ancestors 'none'/,
          ) as string,
        },
      ])
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })
})
