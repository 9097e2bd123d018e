/** T19: keys that mean something to JavaScript. They are data like any other, and change nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'] as const
const poison = JSON.parse('{"fine":1,"__proto__":{"isAdmin":true}}') as object

describe('dangerous keys', () => {
  let server: TestApp
  let alice: StockClient
  let bob: StockClient
  const prototypes = [Object.prototype, Array.prototype, Function.prototype, Map.prototype]
  const shapes = () => prototypes.map(one => Reflect.ownKeys(one).map(String).join())
  let before: readonly string[]

  beforeEach(async () => {
    before = shapes()
    server = await startTestApp()
    const open = async (sub: string) =>
      stockProvider({ url: server.syncUrl, name: 'a', token: await server.token(sub) })
    alice = await open('alice')
    bob = await open('bob')
    await until(() => alice.provider.isSynced && bob.provider.isSynced, 'synced')
  })
  afterEach(async () => {
    alice.destroy()
    bob.destroy()
    await server.stop()
    expect(shapes()).toEqual(before)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })
  const stored = async ({ provider }: StockClient) =>
    until(() => !provider.hasUnsyncedChanges, 'acknowledged')
  const content = async (name: string) => {
    const response = await server.fetch(`/v1/documents/${name}/content`)
    const text = await response.text()
    return { text, content: (JSON.parse(text) as { content: Record<string, unknown> }).content }
  }
  /** As somebody would who is careless. */
  const mergeDeep = (target: Record<string, unknown>, from: Record<string, unknown>): void => {
    for (const key in from) {
      const value = from[key]
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        target[key] ??= {}
        mergeDeep(target[key] as Record<string, unknown>, value as Record<string, unknown>)
      } else target[key] = value
    }
  }

  test.each(KEYS)('[T19] %s as a key of a map, of a map inside, and of a value', async key => {
    const inner = new Y.Map<unknown>()
    alice.doc.transact(() => {
      const map = alice.doc.getMap('m')
      map.set(key, poison)
      map.set('inner', inner)
      inner.set(key, 'deep')
      // Yjs itself takes no object with a constructor of its own into a list.
      if (key !== 'constructor') alice.doc.getArray('list').push([JSON.parse(`{"${key}":1}`)])
    })
    await stored(alice)
    const { content: shown } = await content('a')
    const map = shown['m'] as Record<string, Record<string, unknown>>
    expect(Object.hasOwn(map, key)).toBe(true)
    expect(Object.hasOwn(map['inner'] ?? {}, key)).toBe(true)
    expect(map[key]).toMatchObject({ fine: 1 })
    expect(map[key]?.['isAdmin']).toBeUndefined()
    expect(map['isAdmin']).toBeUndefined()
    await until(() => bob.doc.getMap('m').has(key), 'it arrives')
    expect(bob.doc.getMap('m').get(key)).toMatchObject({ fine: 1 })
  })

  test.each(KEYS)('[T19] %s as the name of a root, as an attribute and as a mark', async key => {
    alice.doc.transact(() => {
      alice.doc.getMap(key).set('k', 1)
      const element = new Y.XmlElement('p')
      element.setAttribute(key, 'x')
      const text = new Y.XmlText('marked')
      alice.doc.getXmlFragment('page').insert(0, [element])
      element.insert(0, [text])
      text.format(0, 6, JSON.parse(`{"${key}":true}`) as object)
    })
    await stored(alice)
    const { content: shown, text } = await content('a')
    expect(Object.hasOwn(shown, key)).toBe(true)
    expect(shown[key]).toEqual({ k: 1 })
    expect(text).toContain('marked')
    // A reader that merges deeply into an object of its own is not hurt by the prototype's key.
    if (key !== '__proto__' && key !== 'constructor') mergeDeep({}, shown)
  })

  test('[T19] presence with such keys reaches the others as data', async () => {
    alice.provider.awareness?.setLocalState(
      JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}'),
    )
    const seen = () => bob.provider.awareness?.getStates().get(alice.doc.clientID)
    await until(() => seen() !== undefined && Object.hasOwn(seen() ?? {}, 'constructor'), 'seen')
    expect((seen() as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test.each(KEYS)('[T19] %s over REST: PUT makes it, PATCH changes it, GET shows it', async key => {
    const json = { 'content-type': 'application/json' }
    const put = await server.fetch('/v1/documents/b', {
      method: 'PUT',
      headers: { ...json, 'if-none-match': '*' },
      body: `{"m":{"${key}":{"isAdmin":true},"n":1}}`,
    })
    expect([200, 201, 400]).toContain(put.status)
    const patch = await server.fetch('/v1/documents/b/json', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json-patch+json' },
      body: JSON.stringify([
        { op: 'add', path: `/m/${key}`, value: { isAdmin: 'patched' } },
        { op: 'add', path: '/m/other', value: 2 },
      ]),
    })
    // Refused or taken as data, never half, and never somewhere else.
    expect([200, 400]).toContain(patch.status)
    for (const path of [`/m/${key}/isAdmin`, '/m/constructor/prototype/isAdmin', `/${key}/x`]) {
      const deep = await server.fetch('/v1/documents/b/json', {
        method: 'PATCH',
        headers: { 'content-type': 'application/json-patch+json' },
        body: JSON.stringify([{ op: 'add', path, value: true }]),
      })
      expect(deep.status).toBeLessThan(500)
    }
    const response = await server.fetch('/v1/documents/b/content')
    expect(response.status).toBeLessThan(500)
    const { content: shown } = (await response.json()) as { content?: { m?: { isAdmin?: true } } }
    expect(shown?.m?.isAdmin).toBeUndefined()
    expect(Object.hasOwn(shown?.m ?? {}, 'other')).toBe(patch.status < 300)
  })
})
