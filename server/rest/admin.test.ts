/** What the people who run the server ask of it, and who may. */
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Grant, Role } from '../../shared/permissions.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'

const PATH = '/v1/admin/circuit-breakers'
const as = (role: Role): { grants: Grant[] } => ({ grants: [{ resource: '**', role }] })

describe('GET /v1/admin/circuit-breakers', () => {
  let server: TestApp
  beforeEach(async () => {
    // Nobody listens on this port, and nobody may.
    server = await startTestApp({ settings: { WEFT_JWKS_URL: 'http://127.0.0.1:1/keys' } })
  })
  afterEach(() => server.stop())

  test('[A7] is for admins and operators', async () => {
    expect((await fetch(`${server.url}${PATH}`)).status).toBe(401)
    const statuses = await Promise.all(
      (['admin', 'operator', 'analyst', 'owner'] as const).map(
        async role => (await server.fetch(PATH, as(role))).status,
      ),
    )
    expect(statuses).toEqual([200, 200, 403, 403])
  })

  test('a key set that is away is asked five times, then left alone, and told of', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const token = await new SignJWT({ sub: 'ada' })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setExpirationTime('1h')
      .sign(privateKey)
    const headers = { authorization: `Bearer ${token}` }
    const codes: string[] = []
    for (let n = 0; n < 6; n++) {
      const response = await fetch(`${server.url}/v1/documents`, { headers })
      codes.push(((await response.json()) as { code: string }).code)
    }
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => 'SLOW_DOWN'),
      'DEPENDENCY_UNAVAILABLE',
    ])
    const response = await server.fetch(PATH, as('operator'))
    expect(await response.json()).toEqual({
      breakers: [
        {
          name: 'jwks',
          state: 'open',
          failures: 5,
          openedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
          lastError: 'fetch failed',
        },
      ],
    })
    expect(await server.metric('weft_breaker_state')).toBe(2)
  })
})
