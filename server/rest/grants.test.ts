/** Giving and taking access over REST: by whom, what is written down, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Grant } from '../../shared/permissions.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'

const owner: Grant[] = [{ resource: 'acme/**', role: 'owner' }]
const supervisor: Grant[] = [{ resource: 'acme/**', role: 'supervisor' }]
const admin: Grant[] = [{ resource: '**', role: 'admin' }]

describe('grants over REST', () => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp()
  })
  afterAll(() => server.stop())

  type Asked = { sub?: string; grants?: Grant[]; body?: object }
  const ask = async (
    method: string,
    path: string,
    { sub = 'ada', grants = owner, body }: Asked = {},
  ) => {
    const response = await server.fetch(path, {
      method,
      sub,
      grants,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    return { status: response.status, answer }
  }
  const order = (more: object = {}) => ({
    subject: 'user:bob',
    resource: 'acme/plan',
    role: 'editor',
    ...more,
  })
  const give = async (more: object = {}, asked: Asked = {}) => {
    const { status, answer } = await ask('POST', '/v1/grants', { ...asked, body: order(more) })
    expect(status, JSON.stringify(answer)).toBe(201)
    return answer as { id: string }
  }

  test('one is made, read, listed, changed and taken back', async () => {
    const expiresAt = '2099-01-01T00:00:00.000Z'
    const { id } = await give({ resource: 'acme/life', expiresAt, paths: ['comments'] })
    expect((await ask('GET', `/v1/grants/${id}`)).answer).toMatchObject({
      id,
      subject: 'user:bob',
      role: 'editor',
      paths: ['comments'],
      grantedBy: 'ada',
      expiresAt,
      status: 'active',
    })
    const listed = await ask('GET', '/v1/grants?resource=acme%2Flife')
    expect(listed.answer).toMatchObject({ grants: [{ id }], next: null })
    const body = { role: 'viewer', expiresAt: null, paths: null }
    const changed = await ask('PATCH', `/v1/grants/${id}`, { body })
    expect(changed.answer).toMatchObject({ role: 'viewer', expiresAt: null, paths: null })
    expect((await ask('DELETE', `/v1/grants/${id}`)).status).toBe(204)
    expect(await ask('DELETE', `/v1/grants/${id}`)).toMatchObject({
      status: 404,
      answer: { code: 'GRANT_NOT_FOUND' },
    })
    expect((await ask('GET', `/v1/grants/${id}`)).answer).toMatchObject({ status: 'revoked' })
    expect((await ask('GET', '/v1/grants?resource=acme%2Flife')).answer).toMatchObject({
      grants: [],
    })
  })

  test.each([
    ['no subject that there is', { subject: 'bob' }],
    ['no pattern', { resource: 'acme/*' }],
    ['neither role nor capabilities', { role: undefined }],
    ['both', { capabilities: ['read'] }],
    ['a role that there is not', { role: 'king' }],
    ['a capability that there is not', { role: undefined, capabilities: ['fly'] }],
    ['a condition that is none', { condition: 'claims.' }],
    ['a condition that never answers', { condition: '1 + 1' }],
    ['an end that is no time', { expiresAt: 'tomorrow' }],
    ['a role of the server for a space', { role: 'operator' }],
    ['something more', { because: 'x' }],
  ])('%s: refused with a sentence', async (_what, more) => {
    const asked = { grants: admin, body: order(more) }
    const { status, answer } = await ask('POST', '/v1/grants', asked)
    expect({ status, code: answer['code'] }).toEqual({ status: 400, code: 'REQUEST_INVALID' })
  })

  test('[A15] nobody gives more than they have', async () => {
    const refused = async (asked: Asked, more: object) => {
      const { status, answer } = await ask('POST', '/v1/grants', { ...asked, body: order(more) })
      expect({ status, code: answer['code'] }).toEqual({ status: 403, code: 'FORBIDDEN' })
    }
    await give({ role: 'owner' })
    await give({ role: 'editor' }, { grants: supervisor })
    await refused({ grants: supervisor }, { role: 'owner' })
    await refused({ grants: supervisor }, { role: undefined, capabilities: ['read', 'delete'] })
    await refused({ grants: [{ resource: 'acme/**', role: 'editor' }] }, { role: 'viewer' })
    await refused({}, { resource: '**' })
    await refused({}, { resource: 'other/**' })
    await refused(
      { grants: [{ resource: '**', role: 'owner' }] },
      { resource: '**', role: 'admin' },
    )
    await refused(
      { grants: [{ resource: '**', role: 'owner' }] },
      { resource: '**', role: 'analyst' },
    )
    await give({ resource: '**', role: 'analyst' }, { grants: admin })
  })

  test('[A15] nor changes or takes back what they could not have given', async () => {
    const { id } = await give({ role: 'owner', resource: 'acme/high' })
    for (const [method, body] of [
      ['PATCH', { role: 'viewer' }],
      ['DELETE', undefined],
    ] as const) {
      const asked: Asked = {
        sub: 'sue',
        grants: supervisor,
        ...(body === undefined ? {} : { body }),
      }
      expect((await ask(method, `/v1/grants/${id}`, asked)).status).toBe(403)
    }
    const { id: low } = await give({ role: 'editor', resource: 'acme/low' })
    const raised = { sub: 'sue', grants: supervisor, body: { role: 'owner' } }
    expect((await ask('PATCH', `/v1/grants/${low}`, raised)).status).toBe(403)
  })

  test('what somebody was given they see, and may give up; a denial they may not', async () => {
    const { id } = await give({ subject: 'user:bob', resource: 'acme/gift' })
    const bob: Asked = { sub: 'bob', grants: [] }
    expect((await ask('GET', '/v1/grants?subject=user:bob', bob)).status).toBe(200)
    expect((await ask('GET', '/v1/grants?subject=user:eve', bob)).status).toBe(403)
    expect((await ask('GET', `/v1/grants/${id}`, bob)).status).toBe(200)
    expect((await ask('GET', `/v1/grants/${id}`, { sub: 'eve', grants: [] })).status).toBe(403)
    expect((await ask('DELETE', `/v1/grants/${id}`, bob)).status).toBe(204)
    const denial = await give({ subject: 'user:bob', resource: 'acme/gift', effect: 'deny' })
    expect((await ask('DELETE', `/v1/grants/${denial.id}`, bob)).status).toBe(403)
  })

  test('an answer explains itself', async () => {
    const { id } = await give({
      subject: 'group:staff',
      resource: 'acme/why/**',
      role: 'commenter',
    })
    const why = async (query: string, asked: Asked = {}) =>
      (await ask('GET', `/v1/access/explain?resource=acme%2Fwhy%2Fa&${query}`, asked)).answer
    expect(await why('user=bob&groups=staff&capability=comment')).toEqual({
      allowed: true,
      because: `commenter of acme/why/** (grant ${id})`,
      until: null,
      paths: null,
    })
    expect(await why('user=bob&groups=staff&capability=write')).toMatchObject({
      allowed: false,
      because: 'no grant of bob allows write',
    })
    expect(await why('capability=delete')).toMatchObject({
      allowed: true,
      because: 'owner of acme/** (token)',
      until: expect.any(String) as unknown,
    })
    const bob = { sub: 'bob', grants: [] }
    expect(await why('capability=read', bob)).toMatchObject({ allowed: false })
    expect(await why('user=eve', bob)).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('[A17] each change is written down with it, and refusals soon after', async () => {
    const { id } = await give({ resource: 'acme/audited' })
    await ask('DELETE', `/v1/grants/${id}`)
    await ask('GET', '/v1/documents/other%2Fsecret', { sub: 'mallory' })
    const events = async (query: string) => {
      const { answer } = await ask('GET', `/v1/audit?${query}`, { grants: admin })
      return answer['events'] as readonly Record<string, unknown>[]
    }
    expect(await events('document=acme/audited')).toMatchObject([
      {
        actor: 'ada',
        action: 'grant.create',
        decision: 'allow',
        details: { id, subject: 'user:bob' },
      },
      { actor: 'ada', action: 'grant.revoke', details: { id } },
    ])
    const end = Date.now() + 5_000
    let refusals = await events('actor=mallory')
    while (refusals.length === 0 && Date.now() < end) refusals = await events('actor=mallory')
    expect(refusals).toMatchObject([
      {
        action: 'document.read',
        document: 'other/secret',
        capability: 'read',
        decision: 'deny',
        because: 'no grant of mallory allows read',
      },
    ])
  })
})
