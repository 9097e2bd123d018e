/** The token service as applications see it, and what attackers try with it. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Role } from '../../shared/permissions.ts'
import { startApp } from '../app.ts'
import { readConfig } from '../config.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { runWeft } from '../testing/run-weft.ts'
import { stockProvider } from '../testing/stock-clients.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

type Body = Readonly<Record<string, string>>
type Answer = { readonly status: number; readonly body: Body }

async function ask(url: string, bearer: string, method: string, sent?: object): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) }
}

const outcome = ({ status, body }: Answer) => `${status} ${body['code'] ?? ''}`.trim()

describe('the token service', () => {
  let server: TestApp
  let admin: string
  beforeEach(async () => {
    server = await startTestApp()
    admin = await server.token('root', { grants: [{ resource: '**', role: 'admin' }] })
  })
  afterEach(() => server.stop())

  const call = (bearer: string, method: string, path: string, sent?: object) =>
    ask(`${server.url}${path}`, bearer, method, sent)
  const makeKey = async (scopes: string[], role: Role = 'editor', resources = ['acme/**']) =>
    (await call(admin, 'POST', '/v1/keys', { name: 'back end', scopes, role, resources })).body
  const keyOf = async (...args: Parameters<typeof makeKey>) => (await makeKey(...args))['key'] ?? ''

  test('[K1] from key to token to document, refresh, revoke', async () => {
    const key = await keyOf(['tokens:create'])
    const grants = [{ resource: 'acme/**', role: 'editor' }]
    const order = { sub: 'ada', name: 'Ada', grants, refresh: true }
    const issued = await call(key, 'POST', '/v1/tokens', order)
    expect(issued.status).toBe(200)
    const { token = '', refreshToken, expiresAt = '' } = issued.body
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(900_000)
    expect((await call(token, 'PUT', '/v1/documents/acme%2Fa')).status).toBe(201)
    const refreshed = await call('', 'POST', '/v1/tokens/refresh', { refreshToken })
    expect(refreshed.status).toBe(200)
    expect(
      (await call(refreshed.body['token'] ?? '', 'GET', '/v1/documents/acme%2Fa')).status,
    ).toBe(200)
    expect((await call(key, 'POST', '/v1/tokens/revoke', { sub: 'ada' })).status).toBe(204)
    expect(outcome(await call(token, 'GET', '/v1/documents/acme%2Fa'))).toBe('401 TOKEN_REVOKED')
    const again = { refreshToken: refreshed.body['refreshToken'] }
    expect(outcome(await call('', 'POST', '/v1/tokens/refresh', again))).toBe('401 TOKEN_REVOKED')
  })

  test('[K1] a key opens a document on a socket, and within its scopes', async () => {
    const token = await keyOf(['documents:write'])
    const client = stockProvider({ url: server.syncUrl, name: 'acme/a', token })
    await until(() => client.provider.isSynced, 'synced')
    client.text.insert(0, 'x')
    await until(() => client.provider.unsyncedChanges === 0, 'saved')
    client.destroy()
    expect(outcome(await call(token, 'GET', '/v1/documents/other%2Fa'))).toBe('403 FORBIDDEN')
    expect(outcome(await call(token, 'DELETE', '/v1/documents/acme%2Fa'))).toBe('403 FORBIDDEN')
  })

  test('[T21] every route, by who asks', async () => {
    const maker = await keyOf(['tokens:create'])
    const reader = await keyOf(['documents:read'])
    const root = await keyOf(['admin'], 'admin', ['**'])
    const owner = await server.token('ada')
    const routes: readonly [string, string, object?][] = [
      ['GET', '/v1/keys'],
      ['POST', '/v1/keys', { name: 'x', scopes: ['documents:read'] }],
      ['POST', '/v1/keys/nobody/rotate'],
      ['DELETE', '/v1/keys/nobody'],
      ['POST', '/v1/tokens', { sub: 'ada' }],
      ['POST', '/v1/tokens/revoke', { sub: 'nobody' }],
    ]
    const asked = await Promise.all(
      ['', 'nonsense', owner, admin, maker, reader, root].map(bearer =>
        Promise.all(
          routes.map(
            async ([method, path, sent]) => (await call(bearer, method, path, sent)).status,
          ),
        ),
      ),
    )
    expect(asked).toEqual([
      [401, 401, 401, 401, 401, 401],
      [401, 401, 401, 401, 401, 401],
      [403, 403, 403, 403, 403, 403],
      [200, 201, 404, 404, 403, 204],
      [403, 403, 403, 403, 200, 204],
      [403, 403, 403, 403, 403, 403],
      [200, 201, 404, 404, 403, 204],
    ])
  })

  test('[K7] no token is more than its key', async () => {
    const key = await keyOf(['tokens:create'])
    const order = (more: object) => call(key, 'POST', '/v1/tokens', { sub: 'ada', ...more })
    for (const [resource, role] of [
      ['**', 'viewer'],
      ['acme/**', 'owner'],
      ['acme/**', 'admin'],
      ['other/a', 'viewer'],
    ]) {
      expect(outcome(await order({ grants: [{ resource, role }] }))).toBe('403 FORBIDDEN')
    }
    for (const more of [{ ttl: 901 }, { sub: 'key:x' }, { limits: [] }, { jti: 'x' }, { ttl: 0 }]) {
      expect(outcome(await order(more))).toBe('400 REQUEST_INVALID')
    }
    const { token = '' } = (await order({})).body
    expect(decodeJwt(token)['limits']).toEqual([{ resource: 'acme/**', role: 'editor' }])
    expect(outcome(await call(token, 'POST', '/v1/tokens', { sub: 'bea' }))).toBe('403 FORBIDDEN')
  })

  test('[K2] [K3] rotated and revoked over REST', async () => {
    const made = await makeKey(['documents:read'], 'editor', ['**'])
    const rotated = await call(admin, 'POST', `/v1/keys/${made['id']}/rotate?grace=60`)
    expect(rotated.status).toBe(201)
    for (const key of [made['key'], rotated.body['key']]) {
      expect((await call(key ?? '', 'GET', '/v1/documents')).status).toBe(200)
    }
    expect((await call(admin, 'DELETE', `/v1/keys/${rotated.body['id']}`)).status).toBe(204)
    for (const key of [made['key'], rotated.body['key']]) {
      expect(outcome(await call(key ?? '', 'GET', '/v1/documents'))).toBe('401 TOKEN_REVOKED')
    }
    const listed = await call(admin, 'GET', '/v1/keys')
    expect(JSON.stringify(listed.body)).not.toContain(made['key']?.split('_').at(3) ?? 'none')
  })

  test('[K6] guesses over REST are told to slow down', async () => {
    const { key = '' } = await makeKey(['documents:read'])
    const wrong = (n: number) => key.slice(0, -6) + String(100_000 + n)
    const codes: string[] = []
    for (let n = 0; n < 22; n++) codes.push(outcome(await call(wrong(n), 'GET', '/v1/documents')))
    expect(codes[19]).toBe('401 TOKEN_INVALID')
    expect(codes.slice(20)).toEqual(['429 SLOW_DOWN', '429 SLOW_DOWN'])
  })
})

describe('beside the server', () => {
  test('[K8] weft keys makes the first key, and revokes it while a server runs', async () => {
    const folder = temporaryFolder()
    const settings = { WEFT_DATA_DIR: folder.path }
    const scope = ['--scope', 'admin', '--role', 'admin']
    const made = await runWeft(settings, 'keys', 'create', '--name', 'first', ...scope)
    expect(made.code).toBe(0)
    const key = made.out.trim()
    const server = await startTestApp({ dataDir: folder.path })
    expect((await ask(`${server.url}/v1/keys`, key, 'GET')).status).toBe(200)
    const id = key.split('_')[2] ?? ''
    expect((await runWeft(settings, 'keys', 'list')).out).toContain(`${id}  good      first`)
    expect(await runWeft(settings, 'keys', 'revoke', id)).toMatchObject({ code: 0 })
    await until(
      async () => outcome(await ask(`${server.url}/v1/keys`, key, 'GET')) === '401 TOKEN_REVOKED',
      'refused',
      5_000,
    )
    expect(await runWeft(settings, 'keys', 'revoke', id)).toMatchObject({ code: 66 })
    expect(await runWeft(settings, 'keys', 'create')).toMatchObject({ code: 64 })
    await server.stop()
    folder.remove()
  })

  test('[S1] without a secret its own keys sign, and others can check', async () => {
    const server = await startTestApp({ settings: { WEFT_JWT_SECRET: undefined } as never })
    const { token: admin = '' } = (
      await ask(`${server.url}/v1/dev/tokens`, '', 'POST', {
        sub: 'root',
        grants: [{ resource: '**', role: 'admin' }],
      })
    ).body
    const order = { name: 'x', scopes: ['tokens:create'] }
    const { key = '' } = (await ask(`${server.url}/v1/keys`, admin, 'POST', order)).body
    const { token = '' } = (await ask(`${server.url}/v1/tokens`, key, 'POST', { sub: 'ada' })).body
    const keySet = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`))
    const checked = await jwtVerify(token, keySet, { issuer: 'weft', algorithms: ['EdDSA'] })
    expect(checked.payload.sub).toBe('ada')
    expect((await ask(`${server.url}/v1/documents`, token, 'GET')).status).toBe(200)
    await server.stop()
  })

  test('[T26] secrets are in no log and in no file', async () => {
    const folder = temporaryFolder()
    const lines: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
    const config = readConfig({
      WEFT_PORT: '0',
      WEFT_DATA_DIR: folder.path,
      WEFT_DEV: '1',
      WEFT_JWT_SECRET: 'a secret of tests, at least 32 long',
    })
    const app = await startApp(config, log)
    const { token: admin = '' } = (
      await ask(`${app.url}/v1/dev/tokens`, '', 'POST', {
        sub: 'root',
        grants: [{ resource: '**', role: 'admin' }],
      })
    ).body
    const made = (
      await ask(`${app.url}/v1/keys`, admin, 'POST', { name: 'x', scopes: ['tokens:create'] })
    ).body
    const { id = '', key = '' } = made
    const order = { sub: 'ada', refresh: true }
    const first = (await ask(`${app.url}/v1/tokens`, key, 'POST', order)).body
    const second = (
      await ask(`${app.url}/v1/tokens/refresh`, '', 'POST', { refreshToken: first['refreshToken'] })
    ).body
    await ask(`${app.url}/v1/tokens`, `${key}x`, 'POST', order)
    await ask(`${app.url}/v1/tokens/refresh`, '', 'POST', { refreshToken: `${key}x` })
    await ask(`${app.url}/v1/tokens?token=none`, key.replace(id, id.toUpperCase()), 'POST', order)
    const texts = [key, first['refreshToken'] ?? '', second['refreshToken'] ?? '']
    const secrets = [
      ...texts.map(text => text.slice(text.indexOf(text.split('_')[3] ?? ''))),
      ...[admin, first['token'], second['token']].map(text => text?.split('.')[2] ?? ''),
    ]
    expect(secrets.every(secret => secret.length >= 40)).toBe(true)
    const files = () =>
      readdirSync(folder.path).map(name => readFileSync(join(folder.path, name), 'latin1'))
    const told = () => [...lines, ...files()].join('\n')
    const running = told()
    await app.stop()
    expect(running).toContain(id)
    for (const secret of secrets) {
      expect(running.split(secret)).toHaveLength(1)
      expect(told().split(secret)).toHaveLength(1)
    }
    folder.remove()
  })
})
