/** [T21] Spaces as a way to more than one has: none of it works. */
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '../shared/permissions.ts'
import { startTestApp, testSecret, type TestApp } from './testing/test-app.ts'

const editor: Grant[] = [{ resource: 'acme/**', role: 'editor' }]
const nothing: Grant[] = []
const PLAN = '/v1/spaces/acme%2Fplan'

describe('[T21] by spaces', () => {
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
  const status = async (answer: Promise<Response>) => (await answer).status
  const create = (sub: string, terms: object = {}, grants = nothing) =>
    status(send('POST', '/v1/spaces', sub, { name: 'acme/plan', ...terms }, grants))
  /** By an admin, whose word is in the store. */
  const grant = async (order: object) => {
    const root: Grant[] = [{ resource: '**', role: 'admin' }]
    const answer = await send('POST', '/v1/grants', 'root', order, root)
    expect(answer.status, await answer.clone().text()).toBe(201)
    return ((await answer.json()) as { id: string }).id
  }
  const mayRead = async (sub: string) => (await send('GET', PLAN, sub)).status === 200
  const explain = async (sub: string, capability: string) => {
    const path = `/v1/access/explain?resource=acme/plan/x&capability=${capability}`
    return ((await (await send('GET', path, sub)).json()) as { allowed: boolean }).allowed
  }

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(() => server.stop())

  test('who may not create there founds nothing, and a viewer neither', async () => {
    expect(await create('eve')).toBe(403)
    expect(await create('eve', {}, [{ resource: 'acme/**', role: 'commenter' }])).toBe(403)
    expect(await create('eve', {}, [{ resource: 'acme/plan/x', role: 'owner' }])).toBe(403)
    expect(await create('ada', {}, editor)).toBe(201)
    expect(await explain('ada', 'share')).toBe(true)
  })

  test('where there are documents or grants, founding is for those who may share', async () => {
    await send('PUT', '/v1/documents/acme%2Fplan%2Fnotes', 'ada', undefined, editor)
    expect(await create('ada', {}, editor)).toBe(403)
    const other = (sub: string, grants: Grant[]) =>
      status(send('POST', '/v1/spaces', sub, { name: 'acme/two' }, grants))
    await grant({ subject: 'user:bob', resource: 'acme/two/secret', role: 'owner' })
    expect(await other('ada', editor)).toBe(403)
    expect(await other('olga', [{ resource: 'acme/**', role: 'owner' }])).toBe(201)
    // Who shares without being able to delete says more of it, and owns nothing by that.
    await grant({ subject: 'user:sam', resource: 'acme/three/**', role: 'supervisor' })
    expect(await status(send('POST', '/v1/spaces', 'sam', { name: 'acme/three' }))).toBe(201)
    const path = '/v1/access/explain?resource=acme/three/x&capability=delete'
    expect(await (await send('GET', path, 'sam')).json()).toMatchObject({ allowed: false })
  })

  test('a denial, an end, a condition or a part of documents is not shaken off by founding', async () => {
    const limits = [
      { subject: 'user:u1', effect: 'deny', resource: 'acme/**', capabilities: ['share'] },
      {
        subject: 'user:u2',
        resource: 'acme/**',
        role: 'editor',
        expiresAt: '2100-01-01T00:00:00Z',
      },
      {
        subject: 'user:u3',
        resource: 'acme/**',
        role: 'editor',
        condition: 'now > timestamp("2020-01-01T00:00:00Z")',
      },
      { subject: 'user:u4', resource: 'acme/**', role: 'editor', paths: ['comments'] },
    ]
    for (const limit of limits) {
      await grant(limit)
    }
    expect(await create('u1', {}, editor)).toBe(403)
    expect(await create('u2')).toBe(403)
    expect(await create('u3')).toBe(403)
    expect(await create('u4')).toBe(403)
  })

  test('joining is by the authority that its creator has now', async () => {
    expect(await create('ada', { joining: 'open', joinRole: 'editor' }, editor)).toBe(201)
    expect(await status(send('POST', `${PLAN}/join`, 'bob'))).toBe(200)
    const answer = await send('GET', '/v1/grants?subject=user:ada', 'ada')
    const { grants } = (await answer.json()) as { grants: { id: string }[] }
    await send('DELETE', `/v1/grants/${grants[0]?.id}`, 'ada')
    expect(await status(send('POST', `${PLAN}/join`, 'cleo'))).toBe(403)
    expect(await mayRead('cleo')).toBe(false)
    expect(await mayRead('bob')).toBe(true)
  })

  test('whoever is denied something there does not get it by joining', async () => {
    expect(await create('ada', { joining: 'open', joinRole: 'editor' }, editor)).toBe(201)
    await grant({ subject: 'user:eve', effect: 'deny', resource: 'acme/**', role: 'owner' })
    expect(await status(send('POST', `${PLAN}/join`, 'eve'))).toBe(403)
    expect(await mayRead('eve')).toBe(false)
  })

  test('joining takes nothing away from those who have more', async () => {
    expect(await create('ada', { joining: 'open', joinRole: 'viewer' }, editor)).toBe(201)
    await grant({ subject: 'user:bob', resource: 'acme/**', role: 'editor' })
    expect(await (await send('POST', `${PLAN}/join`, 'bob')).json()).toEqual({ role: null })
    expect(await explain('bob', 'write')).toBe(true)
  })

  test('another tenant does not join', async () => {
    expect(await create('ada', { joining: 'open' }, editor)).toBe(201)
    const token = await new SignJWT({ tenant: 'other' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject('bob')
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(new TextEncoder().encode(testSecret))
    const answer = await fetch(`${server.url}${PLAN}/join`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(403)
  })

  test('who shares without writing lets nobody in as an editor', async () => {
    expect(await create('ada', {}, editor)).toBe(201)
    await grant({ subject: 'user:sue', resource: 'acme/plan/**', capabilities: ['read', 'share'] })
    const change = { joining: 'open', joinRole: 'editor' }
    expect(await status(send('PATCH', PLAN, 'sue', change))).toBe(403)
    expect(await status(send('PATCH', PLAN, 'sue', { ...change, joinRole: 'viewer' }))).toBe(200)
    expect(await status(send('PUT', `${PLAN}/members/eve`, 'sue', { role: 'owner' }))).toBe(403)
    expect(await status(send('DELETE', `${PLAN}/members/ada`, 'sue'))).toBe(403)
    expect(await explain('ada', 'share')).toBe(true)
  })

  test('members neither change, close nor remove', async () => {
    expect(await create('ada', {}, editor)).toBe(201)
    await send('PUT', `${PLAN}/members/bob`, 'ada', { role: 'editor' })
    for (const body of [{ title: 'x' }, { closed: true }, { maxSize: 1 }]) {
      expect(await status(send('PATCH', PLAN, 'bob', body))).toBe(403)
    }
    expect(await status(send('DELETE', `${PLAN}/members/ada`, 'bob'))).toBe(403)
    expect(await status(send('DELETE', PLAN, 'bob'))).toBe(403)
    expect(await status(send('PUT', `${PLAN}/members/eve`, 'bob', { role: 'viewer' }))).toBe(403)
  })

  test('[T24] what was done, and tried in vain, is in the audit log', async () => {
    expect(await create('ada', { joining: 'open' }, editor)).toBe(201)
    await send('POST', `${PLAN}/join`, 'bob')
    await send('DELETE', `${PLAN}/members/bob`, 'ada')
    await send('POST', `${PLAN}/join`, 'bob')
    await send('PATCH', PLAN, 'ada', { closed: true })
    const root: Grant[] = [{ resource: '**', role: 'admin' }]
    const answer = await send('GET', '/v1/audit?limit=100', 'root', undefined, root)
    const text = await answer.text()
    for (const action of ['create', 'join', 'remove', 'close']) {
      expect(text).toContain(`space.${action}`)
    }
  })
})
