/** What the dialog is shown, and what it changes, against a real server. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '../../../shared/permissions.ts'
import { startTestApp, type TestApp } from '../../../server/testing/test-app.ts'
import { createClient, type WeftClient } from '../../sdk/index.ts'
import { readShareFacts, changeGrant } from './share-facts.ts'

const page = 'acme/pages/plan'

describe('share facts', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const access = (sub: string, grants: Grant[] = []) => {
    const token = () => server.token(sub, { grants })
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    return client.access
  }
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('grants of the page and of its spaces, to whom they may be shown', async () => {
    const all = access('root', [{ resource: '**', role: 'owner' }])
    await all.grant({ subject: 'group:legal', resource: 'acme/**', role: 'commenter' })
    await all.grant({ subject: 'user:bob', document: page, role: 'viewer' })
    await all.grant({ subject: 'user:eve', document: 'acme/pages/other', role: 'editor' })
    const subjects = async (one: typeof all) =>
      (await readShareFacts(one, page)).grants.map(({ subject }) => subject)
    expect(await subjects(all)).toEqual(['user:bob', 'group:legal'])
    // An owner of the page alone sees the page's, and is not refused.
    expect(await subjects(access('ada', [{ resource: page, role: 'owner' }]))).toEqual(['user:bob'])
  })

  test('who may not share is offered nothing, and nothing is asked that would be refused', async () => {
    const facts = await readShareFacts(access('bob', [{ resource: page, role: 'editor' }]), page)
    expect(facts).toMatchObject({ grants: [], requests: [] })
    expect([...facts.rights]).toEqual(['read', 'comment', 'write', 'create'])
  })

  test('requests of the page that one may decide', async () => {
    await access('gus').request({ document: page, role: 'editor', reason: 'the audit' })
    await access('gus').request({ document: 'acme/pages/other', role: 'editor' })
    await access('eve').request({ resource: 'acme/**', role: 'viewer' })
    const asked = async (one: WeftClient['access']) =>
      new Set((await readShareFacts(one, page)).requests.map(({ resource }) => resource))
    // Whoever asks for the space is seen on each of its pages, by those who may give the space.
    expect(await asked(access('root', [{ resource: '**', role: 'owner' }]))).toEqual(
      new Set([page, 'acme/**']),
    )
    expect(await asked(access('ada', [{ resource: page, role: 'owner' }]))).toEqual(new Set([page]))
  })

  test('another role leaves the limits of a grant as they were, and one grant', async () => {
    const all = access('root', [{ resource: '**', role: 'owner' }])
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    const limits = { paths: ['comments'], condition: 'now > timestamp("2020-01-01T00:00:00Z")' }
    const order = { subject: 'user:bob', document: page, role: 'viewer', expiresAt, ...limits }
    await changeGrant(all, await all.grant(order), { role: 'editor' })
    const { grants } = await readShareFacts(all, page)
    expect(grants).toHaveLength(1)
    expect(grants[0]).toMatchObject({ role: 'editor', expiresAt, ...limits })
    await changeGrant(all, grants[0] ?? expect.fail(), { expiresAt: null })
    const [after] = (await readShareFacts(all, page)).grants
    expect(after).toMatchObject({ role: 'editor', expiresAt: null, ...limits })
  })
})
