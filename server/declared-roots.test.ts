/** T30: an editor opens its document as a text; nobody may make a map of it. */
import { isDeepStrictEqual } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { seededRandom } from '../shared/random.ts'
import { contentOf, editAtRandom } from './testing/random-edits.ts'
import { rawMember, type RawMember } from './testing/raw-member.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const roots = { text: 'text', map: 'map', list: 'array', page: 'xml' } as const

describe('declared roots', () => {
  let server: TestApp
  let reader: StockClient
  const stocks: StockClient[] = []
  const members: RawMember[] = []
  const open = async (sub: string) => {
    const token = await server.token(sub)
    const client = stockProvider({ url: server.syncUrl, name: 'a', token })
    stocks.push(client)
    await until(() => client.provider.isSynced, 'synced')
    return client
  }
  beforeEach(async () => {
    server = await startTestApp({
      parts: { hooks: { schema: { version: 1, migrations: {}, roots: () => roots } } },
    })
    reader = await open('reader')
  })
  afterEach(async () => {
    for (const one of stocks.splice(0)) one.destroy()
    for (const one of members.splice(0)) one.close()
    await server.stop()
  })

  const wrong: readonly (readonly [string, (doc: Y.Doc) => unknown])[] = [
    ['a map’s entry in a text', doc => doc.getMap('text').set('k', 1)],
    ['a list’s object in a text', doc => doc.getArray('text').push([{ a: 1 }])],
    ['an element in a text', doc => doc.getXmlFragment('text').push([new Y.XmlElement('p')])],
    ['a type in a text', doc => doc.getArray('text').push([new Y.Map()])],
    ['text in a map', doc => doc.getText('map').insert(0, 'x')],
    ['a list’s value in a map', doc => doc.getArray('map').push([1])],
    ['text in a list', doc => doc.getText('list').insert(0, 'x')],
    ['a map’s entry in a list', doc => doc.getMap('list').set('k', 1)],
    ['text in rich text', doc => doc.getText('page').insert(0, 'x')],
    ['a list’s value in rich text', doc => doc.getArray('page').push(['str'])],
    ['a map’s entry in rich text', doc => doc.getMap('page').set('k', 1)],
    ['a map as a block of rich text', doc => doc.getArray('page').push([new Y.Map()])],
    ['a root that nobody declared', doc => doc.getText('other').insert(0, 'x')],
    ['a root called __proto__', doc => doc.getMap('__proto__').set('k', 1)],
    ['a root called constructor', doc => doc.getMap('constructor').set('k', 1)],
    ['a root of the system', doc => doc.getMap('~weft').set('schema', 9)],
  ]

  const attack = async (make: (doc: Y.Doc) => unknown, way: 'update' | 'state') => {
    const mallory = await rawMember(server, { name: 'a' })
    members.push(mallory)
    const doc = mallory.copy()
    const before = Y.encodeStateVector(doc)
    make(doc)
    const update = Y.encodeStateAsUpdate(doc, before)
    if (way === 'update') mallory.sendUpdate(update)
    else mallory.sendStep2(update)
    await until(() => mallory.refusals().length > 0, 'told', 2_000)
    expect(mallory.refusals()).toEqual(['UPDATE_INVALID'])
  }

  test.each(wrong)('[T30] %s: refused, into an empty document', async (_what, make) => {
    await attack(make, 'update')
    expect([...reader.doc.share.keys()]).toEqual(['text'])
    expect(reader.text.length).toBe(0)
  })

  test('[T30] the same into a document that has content, and as a state', async () => {
    const author = await open('author')
    author.doc.transact(() => {
      author.text.insert(0, 'hello')
      author.doc.getMap('map').set('k', 1)
      author.doc.getArray('list').push([1])
      author.doc.getXmlFragment('page').push([new Y.XmlElement('p')])
    })
    await until(() => reader.doc.getArray('list').length === 1, 'it arrives')
    const before = JSON.stringify(reader.doc.toJSON())
    for (const [, make] of wrong) await attack(make, 'state')
    // Beside something of the same root, where an item does not name its root at all.
    await attack(doc => {
      const text = doc.getText('text')
      text.insertEmbed(2, new Y.Map())
    }, 'update')
    reader.text.insert(0, 'x')
    await until(() => author.text.toString() === 'xhello', 'all goes on')
    reader.text.delete(0, 1)
    expect(JSON.stringify(reader.doc.toJSON())).toBe(before)
  })

  test(`[T30] edits of every kind that keep to the roots are taken, SEED=${seed}`, async () => {
    const random = seededRandom(seed)
    const author = await open('author')
    for (let i = 0; i < 500; i++)
      editAtRandom(random.next() < 0.5 ? author.doc : reader.doc, random)
    author.doc.getText('text').insertEmbed(0, { image: 'x.png' })
    const settled = () => stocks.every(({ provider }) => !provider.hasUnsyncedChanges)
    await until(settled, 'acknowledged')
    for (const { stateless } of stocks) {
      expect(stateless.filter(({ type }) => type === 'weft.error')).toEqual([])
    }
    // Not as text: the keys of maps stand in the order in which each replica saw them.
    const isSame = () => isDeepStrictEqual(contentOf(author.doc), contentOf(reader.doc))
    await until(isSame, 'the same for both')
  })
})
