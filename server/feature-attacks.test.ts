/** Signals, lists and devices as a way to more than one was given: none of it works. */
import type { JWTPayload } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missing } from '../e2e/support/needs.ts'
import type { Grant } from '../shared/permissions.ts'
import { claimsToken } from './testing/claims-token.ts'
import { Postgres } from './testing/postgres.ts'
import { stockProvider } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const isAbsent = missing('attacks on Postgres', { binaries: ['initdb', 'postgres'] }) !== null
const everything: Grant[] = [{ resource: '**', role: 'owner' }]

describe.each(['SQLite', 'Postgres'] as const)('attacks by features on %s', kind => {
  let postgres: Postgres | undefined
  let server: TestApp
  const clients: { destroy(): void }[] = []

  const send = async (method: string, path: string, token: string, body?: object) =>
    fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const open = async (name: string, token: string, device = '') => {
    const url = device === '' ? server.syncUrl : `${server.syncUrl}?device=${device}`
    const client = stockProvider({ url, name, token })
    clients.push(client)
    await until(() => client.provider.isSynced || client.failures.length > 0, 'an answer')
    expect(client.failures).toEqual([])
    return client
  }
  const token = (sub: string, claims: JWTPayload = {}) =>
    claimsToken(sub, { grants: everything, ...claims })

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
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.stop()
  })

  test('[T21] a token that is limited to one document reaches no devices of its subject', async () => {
    await open('~user/ada', await token('ada'), 'phone')
    const limits = [{ resource: 'acme/notes', role: 'editor' }]
    const limited = await token('ada', { limits })
    const signal = { to: { user: 'ada' }, type: 'note' }
    expect((await send('POST', '/v1/signals', limited, signal)).status).toBe(403)
    expect((await send('GET', '/v1/users/ada/devices', limited)).status).toBe(403)
    expect((await send('POST', '/v1/signals', await token('ada'), signal)).status).toBe(200)
    expect((await send('GET', '/v1/users/ada/devices', await token('ada'))).status).toBe(200)
  })

  test('[T21] lists name nothing that the asker may not read', async () => {
    const root = await token('root')
    for (let i = 10; i < 45; i++) {
      await send('PUT', `/v1/documents/secret%2Fd${i}`, root)
      await send('POST', '/v1/spaces', root, { name: `secret/s${i}` })
    }
    const stranger = await token('eve', { grants: [{ resource: 'zoo/**', role: 'viewer' }] })
    const spaces = await send('GET', '/v1/spaces?limit=1', stranger)
    expect(await spaces.text()).not.toContain('secret')
    const documents = await send('GET', '/v1/documents?limit=1', stranger)
    expect(await documents.text()).not.toContain('secret')
  })

  test('[T21] characters that a database does not take are a fault of the request', async () => {
    const root = await token('root')
    const admin = await token('admin', { grants: [{ resource: '**', role: 'admin' }] })
    await send('POST', '/v1/spaces', root, { name: 'acme/plan', joining: 'open' })
    const statuses = []
    for (const [method, path, body] of [
      ['GET', '/v1/spaces?prefix=%00'],
      ['GET', '/v1/spaces?cursor=%00'],
      ['GET', '/v1/documents?prefix=%00'],
      ['GET', '/v1/documents?after=%00'],
      ['GET', '/v1/spaces/acme%2Fplan/members?cursor=%00'],
      ['PUT', '/v1/spaces/acme%2Fplan/members/a%00b', { role: 'viewer' }],
      ['DELETE', '/v1/spaces/acme%2Fplan/members/a%00b'],
      ['GET', '/v1/users/a%00b/presence'],
      ['GET', '/v1/users/a%00b/devices'],
      ['POST', '/v1/signals', { to: { user: 'a\0b' }, type: 'x' }],
      ['POST', '/v1/signals', { to: { document: 'acme/x', user: 'a\0b' }, type: 'x', data: 'a\0' }],
      ['GET', '/v1/grants?subject=user:a%00b'],
      ['POST', '/v1/grants', { subject: 'user:a\0b', resource: 'acme/**', role: 'viewer' }],
      ['POST', '/v1/access-requests', { resource: 'acme/x', role: 'viewer', reason: 'a\0b' }],
      ['PUT', '/v1/documents/a%00b'],
      ['GET', '/v1/audit?actor=a%00b'],
    ] as const) {
      const asker = path.includes('devices') ? admin : root
      statuses.push([method, path, (await send(method, path, asker, body)).status])
    }
    expect(statuses.filter(one => Number(one.at(-1)) >= 500)).toEqual([])
  })

  test('[T21] nobody has an id that a database would take for another, or not at all', async () => {
    const bystander = await open('acme/calm', await token('ada'))
    for (const sub of ['a\0b', '\ud800']) {
      const odd = await token(sub)
      expect((await send('GET', '/v1/spaces', odd)).status).toBe(401)
      const client = stockProvider({ url: server.syncUrl, name: 'acme/odd', token: odd })
      clients.push(client)
      await until(() => client.failures.length > 0, 'refused')
      expect(client.failures).toEqual(['TOKEN_INVALID'])
    }
    const root = await token('root')
    for (let i = 0; i < 30; i++) await send('GET', '/v1/documents?after=%00', root)
    bystander.text.insert(0, 'saved')
    await until(() => !bystander.provider.hasUnsyncedChanges, 'saved')
  })

  test('[T21] nobody is asked for what nobody is granted: documents of the system', async () => {
    const eve = await token('eve', { grants: [] })
    for (const resource of ['~user/ada', '~space/acme/plan', '~user/**']) {
      const order = { resource, role: 'viewer', reason: 'please' }
      expect((await send('POST', '/v1/access-requests', eve, order)).status).toBe(403)
    }
  })
})
