/** Which pages may open a socket or ask over REST: one rule, held to by both. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isOriginPattern } from './edge/origins.ts'
import { rawRequest, upgrade } from './testing/edge-app.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'

const HOST = 'weft.example.com'
const allowed = 'https://app.example.com,https://*.tenants.example.com,https://odd.example.com:8443'

const origins: readonly (readonly [string, boolean])[] = [
  ['https://app.example.com', true],
  [`https://${HOST}`, true],
  ['https://a.tenants.example.com', true],
  ['https://odd.example.com:8443', true],
  ['null', false],
  ['https://evil.example', false],
  ['https://app.example.com.evil.tld', false],
  ['https://evil-app.example.com', false],
  ['https://app.example.com:444', false],
  ['https://odd.example.com', false],
  ['http://app.example.com', false],
  ['HTTPS://APP.EXAMPLE.COM', false],
  ['https://app.example.com.', false],
  ['https://app.example.com/', false],
  ['https://user@app.example.com', false],
  ['https://tenants.example.com', false],
  ['https://a.b.tenants.example.com', false],
  ['https://.tenants.example.com', false],
  ['https://evil.tld/.tenants.example.com', false],
  ['https://evil.tld#.tenants.example.com', false],
  [`https://${HOST}.`, false],
  [`HTTPS://${HOST}`, false],
  ['file://', false],
  ['', false],
]

describe('origins', () => {
  let server: TestApp
  beforeAll(async () => {
    server = await startTestApp({ settings: { WEFT_ORIGINS: allowed, WEFT_HOST: '127.0.0.2' } })
  })
  afterAll(() => server.stop())

  test.each(origins)('[T1] a socket of a page of "%s": %s', async (origin, isAllowed) => {
    const before = await server.metric('connections_total')
    const headers = { ...upgrade, host: HOST, origin }
    const { status } = await rawRequest(`${server.url}/sync`, { headers })
    expect(status).toBe(isAllowed ? 101 : 403)
    expect((await server.metric('connections_total')) - before).toBe(isAllowed ? 1 : 0)
  })

  test('[T1] whoever is no page sends none, and needs a token all the same', async () => {
    const { status } = await rawRequest(`${server.url}/sync`, { headers: { ...upgrade } })
    expect(status).toBe(101)
  })

  test.each(origins)('[T22] a preflight of a page of "%s": %s', async (origin, isAllowed) => {
    const headers = {
      host: HOST,
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,content-type,if-match',
    }
    const path = '/v1/documents/a/json'
    const answer = await rawRequest(`${server.url}${path}`, { method: 'OPTIONS', headers })
    expect(answer.status).toBe(isAllowed ? 204 : 403)
    const said = answer.headers
    expect(said['access-control-allow-origin']).toBe(isAllowed ? origin : undefined)
    expect(said['access-control-allow-credentials']).toBeUndefined()
    expect(said['vary']).toMatch(/Origin/i)
    if (!isAllowed) return
    expect(said['access-control-allow-methods']).toContain('PATCH')
    expect(said['access-control-allow-headers']).toMatch(/authorization.*content-type/i)
  })

  test.each(origins)('[T22] a simple request of a page of "%s": %s', async (origin, isAllowed) => {
    const authorization = `Bearer ${await server.token('ada')}`
    const url = `${server.url}/v1/documents`
    const answer = await rawRequest(url, { headers: { host: HOST, origin, authorization } })
    expect(answer.status).toBe(isAllowed ? 200 : 403)
    expect(answer.headers['access-control-allow-origin']).toBe(isAllowed ? origin : undefined)
    expect(answer.headers['vary']).toMatch(/Origin/i)
  })

  test('[T22] a refusal can be read by a page that may ask', async () => {
    const headers = { host: HOST, origin: 'https://app.example.com' }
    const answer = await rawRequest(`${server.url}/v1/documents`, { headers })
    expect(answer.status).toBe(401)
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])(
    '[T22] a form’s body (%s) is not taken for JSON',
    async type => {
      const headers = {
        host: HOST,
        authorization: `Bearer ${await server.token('ada', { grants: [{ resource: '**', role: 'admin' }] })}`,
        ...(type === '' ? {} : { 'content-type': type }),
      }
      const requests = [
        ['POST', '/v1/admin/disconnect', '{"user":"ada"}'],
        ['POST', '/v1/dev/tokens', '{"sub":"ada"}'],
        ['PATCH', '/v1/documents/a/json', '[{"op":"add","path":"/x","value":1}]'],
        ['POST', '/v1/documents/a/text', '{"edits":[{"at":{"quote":"x"},"insert":"y"}]}'],
      ] as const
      for (const [method, path, body] of requests) {
        const answer = await rawRequest(`${server.url}${path}`, { method, headers, body })
        expect([path, answer.status]).toEqual([path, 400])
      }
    },
  )

  test('a refused socket is answered with the same headers as everything', async () => {
    const headers = { ...upgrade, host: HOST, origin: 'https://evil.example' }
    const answer = await rawRequest(`${server.url}/sync`, { headers })
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("default-src 'none'") as string,
    })
  })

  test('what may be named', () => {
    const good = ['https://a.example.com', 'https://*.example.com', 'http://localhost:3000']
    expect(good.filter(text => !isOriginPattern(text))).toEqual([])
    const bad = [
      '*',
      'https://*',
      'https://*.com',
      'https://a.*.com',
      'https://*a.example.com',
      'https://a.example.com/',
    ]
    expect(bad.filter(isOriginPattern)).toEqual([])
  })
})
