/** What the server says of itself: the description of its routes, and its levels. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FaultyJournal } from '../testing/faulty-journal.ts'
import { stockProvider } from '../testing/stock-clients.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

type Description = {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

type Problem = { readonly detail: string }

/** The table of the README: `GET /v1/documents?space=` is the route `get /v1/documents`. */
function routesOfReadme(): readonly string[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  return Array.from(
    readme.matchAll(/^\| `([A-Z]+) (\/v1\/[^`?]+)/gm),
    ([, method, path]) => `${method?.toLowerCase()} ${path?.trim()}`,
  )
}

describe('what the server says of itself', () => {
  let server: TestApp
  let journal: FaultyJournal
  beforeEach(async () => {
    server = await startTestApp({
      parts: { wrapJournal: real => (journal = new FaultyJournal(real)) },
    })
  })
  afterEach(() => server.stop())

  test('every route of the README is in the OpenAPI document', async () => {
    const response = await fetch(`${server.url}/v1/openapi.json`)
    expect(response.status).toBe(200)
    const { openapi, paths } = (await response.json()) as Description
    expect(openapi).toBe('3.1.0')
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    const promised = routesOfReadme()
    expect(promised.length).toBeGreaterThan(8)
    expect(described).toEqual(expect.arrayContaining([...promised]))
  })

  test('a body without its type, and a value that is missing, are named as what they are', async () => {
    const bare = await fetch(`${server.url}/v1/dev/tokens`, { method: 'POST', body: '{"sub":"a"}' })
    expect(bare.status).toBe(400)
    expect(((await bare.json()) as Problem).detail).toContain('Content-Type')
    const patch = await server.fetch('/v1/documents/a/json', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json-patch+json' },
      body: '[{"op":"add","path":"/x"}]',
    })
    expect(patch.status).toBe(400)
    expect(((await patch.json()) as Problem).detail).toContain('missing')
  })

  test('documents that are not saved are counted, and then are not', async () => {
    const token = await server.token('ada')
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    await until(() => client.provider.isSynced, 'synced')
    expect(await server.metric('weft_documents_unsaved')).toBe(0)
    journal.failAppends = Infinity
    client.text.insert(0, 'x')
    await until(async () => (await server.metric('weft_documents_unsaved')) === 1, 'counted')
    journal.failAppends = 0
    await until(async () => (await server.metric('weft_documents_unsaved')) === 0, 'saved')
    client.destroy()
  })
})
