/** Edits by programs, over REST and in code, against a whole server. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import { FaultyJournal } from '../testing/faulty-journal.ts'
import { startTestApp, type TestApp } from '../testing/test-app.ts'
import { until } from '../testing/until.ts'

const json = { 'content-type': 'application/json' }
const patchJson = { 'content-type': 'application/json-patch+json' }

type Receipt = {
  seq: number
  etag: string
  outcome: string
  ranges?: { from: string; to: string }[]
}
type Problem = { code: string; current?: { etag: string; content: Record<string, unknown> } }

describe('edits by programs', () => {
  let server: TestApp
  let journal: FaultyJournal
  const clients: WeftClient[] = []
  beforeEach(async () => {
    server = await startTestApp({
      parts: { wrapJournal: real => (journal = new FaultyJournal(real)) },
    })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })
  const open = (name: string, sub = 'human') => {
    const client = createClient({
      url: server.url,
      token: () => server.token(sub),
      offline: 'memory',
    })
    clients.push(client)
    return client.open(name)
  }
  const put = (name: string, content: object) =>
    server.fetch(`/v1/documents/${name}`, {
      method: 'PUT',
      headers: { ...json, 'if-none-match': '*' },
      body: JSON.stringify(content),
    })
  const patch = (name: string, operations: object[], headers: Record<string, string> = {}) =>
    server.fetch(`/v1/documents/${name}/json`, {
      method: 'PATCH',
      headers: { ...patchJson, ...headers },
      body: JSON.stringify(operations),
    })
  const text = (name: string, edits: object[], headers: Record<string, string> = {}) =>
    server.fetch(`/v1/documents/${name}/text`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify({ edits }),
    })
  const content = async (name: string) => {
    const response = await server.fetch(`/v1/documents/${name}/content`)
    return ((await response.json()) as { content: Record<string, unknown> }).content
  }

  test('[D11] a Yjs update: durable when answered, seen by everybody, its author is named', async () => {
    const human = open('a')
    human.doc.getText('t').insert(0, 'human ')
    await human.whenSaved()
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'agent ')
    const body = Uint8Array.from(Y.encodeStateAsUpdate(doc))
    const response = await server.fetch('/v1/documents/a/update', {
      method: 'POST',
      sub: 'bot',
      body,
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ seq: 2, outcome: 'changed' })
    await until(() => human.doc.getText('t').toString().includes('agent'), 'the human sees it')
    const entries = await journal.entries('a' as never, 0, 10)
    expect(entries.map(({ author }) => author)).toEqual(['human', 'bot'])
    const again = await server.fetch('/v1/documents/a/update', { method: 'POST', body })
    expect(await again.json()).toMatchObject({ seq: 2, outcome: 'unchanged' })
  })

  test('[D11] JSON Patch touches only what differs', async () => {
    const board = {
      cards: [
        { id: 1, title: 'one' },
        { id: 2, title: 'two' },
      ],
      open: true,
    }
    expect((await put('a', { board, notes: 'Hello world' })).status).toBe(201)
    const human = open('a')
    await human.whenSynced()
    const cards = human.doc.getMap('board').get('cards') as Y.Array<Y.Map<unknown>>
    const second = cards.get(1)
    const events: string[] = []
    human.doc.getMap('board').observeDeep(found => {
      for (const { path, changes } of found) {
        events.push(
          `${path.join('/')}: ${[...changes.keys.keys()].join()} -${changes.deleted.size}`,
        )
      }
    })
    const response = await patch('a', [
      { op: 'test', path: '/board/open', value: true },
      { op: 'replace', path: '/board/cards/1/title', value: 'zwei' },
      { op: 'add', path: '/board/cards/0', value: { id: 0, title: 'null' } },
      { op: 'replace', path: '/notes', value: 'Hello brave world' },
    ])
    expect(response.status).toBe(200)
    await until(() => second.get('title') === 'zwei', 'the very map has changed')
    expect(cards.toJSON().map((card: { title: string }) => card.title)).toEqual([
      'null',
      'one',
      'zwei',
    ])
    expect(events.some(event => event.includes('-1'))).toBe(false)
    expect(human.doc.getText('notes').toString()).toBe('Hello brave world')
    const failed = await patch('a', [{ op: 'test', path: '/board/open', value: false }])
    expect(failed.status).toBe(409)
    expect(await failed.json()).toMatchObject({ code: 'EDIT_CONFLICT' })
    expect((await patch('a', [{ op: 'replace', path: '/notes', value: {} }])).status).toBe(409)
    expect((await patch('a', [{ op: 'fly', path: '/x' }])).status).toBe(400)
  })

  test('[D11] text by quoted words and by relative positions', async () => {
    await put('a', { t: 'The quick fox. The lazy dog.' })
    const human = open('a')
    await human.whenSynced()
    human.doc.getText('t').insert(0, '>> ')
    await human.whenSaved()
    const first = (await (
      await text('a', [{ root: 't', at: { quote: 'fox' }, insert: 'brown fox' }])
    ).json()) as Receipt
    const [range] = first.ranges ?? []
    human.doc.getText('t').insert(3, 'Look! ')
    await human.whenSaved()
    await text('a', [{ at: { from: range?.from ?? '', to: range?.to ?? '' }, insert: 'red fox' }])
    await text('a', [
      { root: 't', at: { quote: 'The', suffix: ' lazy', where: 'after' }, insert: ' very' },
    ])
    expect(await content('a')).toEqual({ t: '>> Look! The quick red fox. The very lazy dog.' })
    const twice = await text('a', [{ root: 't', at: { quote: 'The' }, insert: 'A' }])
    expect([twice.status, ((await twice.json()) as Problem).code]).toEqual([409, 'EDIT_CONFLICT'])
    expect((await text('a', [{ root: 't', at: { quote: 'cat' }, insert: 'A' }])).status).toBe(409)
    expect((await text('a', [{ root: 'x', at: { quote: 'cat' }, insert: 'A' }])).status).toBe(409)
    expect((await text('a', [{ at: { from: '!!' }, insert: 'A' }])).status).toBe(400)
  })

  test('[D11] rich text keeps its nodes: a changed paragraph is the same paragraph', async () => {
    const paragraph = (words: string, marks?: object[]) => ({
      type: 'paragraph',
      content: [{ type: 'text', text: words, ...(marks === undefined ? {} : { marks }) }],
    })
    await put('a', { body: [paragraph('one'), paragraph('two'), paragraph('three')] })
    const human = open('a')
    await human.whenSynced()
    const fragment = human.doc.getXmlFragment('body')
    const [one, two, three] = fragment.toArray()
    await patch('a', [
      { op: 'replace', path: '/body/1', value: paragraph('two!', [{ type: 'bold' }]) },
      { op: 'remove', path: '/body/0' },
      { op: 'add', path: '/body/-', value: { type: 'heading', attrs: { level: 2 } } },
    ])
    await until(() => fragment.toString().includes('heading'), 'seen')
    expect(fragment.toArray().slice(0, 2)).toEqual([two, three])
    expect(one?.parent).not.toBe(two)
    expect(fragment.toArray()).not.toContain(one)
    expect(fragment.toString()).toBe(
      '<paragraph><bold>two!</bold></paragraph><paragraph>three</paragraph><heading level="2"></heading>',
    )
    await text('a', [{ root: 'body', at: { quote: 'three' }, insert: 'drei' }])
    await until(() => fragment.toString().includes('drei'), 'seen')
  })

  test('[D12] If-Match: an edit that was decided on another state is refused, with this one', async () => {
    await put('a', { t: 'one' })
    const { etag } = (await (
      await text('a', [{ root: 't', at: { quote: 'one' }, insert: 'two' }])
    ).json()) as Receipt
    const human = open('a')
    await human.whenSynced()
    const fine = await text('a', [{ root: 't', at: { quote: 'two' }, insert: 'three' }], {
      'if-match': etag,
    })
    expect(fine.status).toBe(200)
    human.doc.getText('t').insert(0, 'X')
    await human.whenSaved()
    const stale = ((await fine.json()) as Receipt).etag
    const refused = await text('a', [{ root: 't', at: { quote: 'three' }, insert: 'no' }], {
      'if-match': stale,
    })
    expect(refused.status).toBe(412)
    const problem = (await refused.json()) as Problem
    expect(problem).toMatchObject({
      code: 'PRECONDITION_FAILED',
      current: { content: { t: 'Xthree' } },
    })
    const etagNow = problem.current?.etag ?? ''
    const again = await text('a', [{ root: 't', at: { quote: 'three' }, insert: 'yes' }], {
      'if-match': etagNow,
    })
    expect(again.status).toBe(200)
  })

  test('[D13] Idempotency-Key: carried out once, also after a restart', async () => {
    await put('a', { t: 'x' })
    const key = { 'idempotency-key': 'request-1' }
    const edit = [{ root: 't', at: { quote: 'x', where: 'after' }, insert: '!' }]
    const first = (await (await text('a', edit, key)).json()) as Receipt
    const repeated = (await (await text('a', edit, key)).json()) as Receipt
    expect(repeated).toEqual({ ...first, outcome: 'repeated', ranges: undefined })
    const other = await text('a', [{ root: 't', at: { quote: 'x' }, insert: '?' }], key)
    expect([other.status, ((await other.json()) as Problem).code]).toEqual([
      422,
      'REQUEST_REPEATED',
    ])
    await Promise.all(Array.from({ length: 5 }, () => text('a', edit, { 'idempotency-key': 'k2' })))
    expect(await content('a')).toEqual({ t: 'x!!' })
  })

  test('[G6] the store fails: the caller is told, and nobody sees the edit', async () => {
    await put('a', { t: 'x' })
    const human = open('a')
    await human.whenSynced()
    journal.failAppends = 1
    const key = { 'idempotency-key': 'k' }
    const edit = [{ root: 't', at: { quote: 'x', where: 'after' }, insert: 'agent' }]
    const response = await text('a', edit, key)
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([
      503,
      'JOURNAL_UNAVAILABLE',
    ])
    await expect(
      Promise.resolve().then(() => {
        journal.failAppends = 1
        return server.app.edit('a', { id: 'bot' }, doc => doc.getText('t').insert(0, 'code'))
      }),
    ).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
    human.doc.getText('t').insert(0, 'human ')
    await human.whenSaved()
    expect(await content('a')).toEqual({ t: 'human x' })
    expect(human.doc.getText('t').toString()).toBe('human x')
    expect((await text('a', edit, key)).status).toBe(200)
    await until(() => human.doc.getText('t').toString() === 'human xagent', 'now it is there')
  })

  test('[G6] an answer that was lost: the edit is there once, whoever asks again', async () => {
    await put('a', { t: 'x' })
    const human = open('a')
    await human.whenSynced()
    journal.loseAnswers = 1
    const edit = [{ root: 't', at: { quote: 'x', where: 'after' }, insert: '!' }]
    const key = { 'idempotency-key': 'k' }
    expect((await text('a', edit, key)).status).toBe(503)
    expect(await (await text('a', edit, key)).json()).toMatchObject({ outcome: 'repeated', seq: 2 })
    human.doc.getText('t').insert(0, 'human ')
    await human.whenSaved()
    await until(() => human.doc.getText('t').toString() === 'human x!', 'the lost one is seen')
    expect(await content('a')).toEqual({ t: 'human x!' })
  })

  test('a change that throws changes nothing, and the next one works', async () => {
    await put('a', { t: 'x' })
    const fail = (thrown: unknown) =>
      server.app.edit('a', { id: 'bot' }, doc => {
        doc.getText('t').insert(0, 'half')
        throw thrown
      })
    await expect(fail(new Error('mine'))).rejects.toThrow('mine')
    await expect(fail(undefined)).rejects.toBeUndefined()
    await expect(server.app.edit('a', { id: 'b' }, () => Promise.resolve())).rejects.toThrow('wait')
    const done = await server.app.edit('a', { id: 'bot' }, doc => doc.getText('t').insert(1, 'y'))
    expect(done).toMatchObject({ outcome: 'changed', seq: 2 })
    expect(await content('a')).toEqual({ t: 'xy' })
  })

  test('a reader may not edit, and edits of a missing document make it only for editors', async () => {
    const grants = [{ resource: '**', role: 'viewer' as const }]
    const response = await server.fetch('/v1/documents/a/text', {
      method: 'POST',
      grants,
      headers: json,
      body: JSON.stringify({ edits: [{ root: 't', at: { quote: 'x' } }] }),
    })
    expect(response.status).toBe(403)
    const made = await patch('new', [{ op: 'add', path: '/t', value: 'made' }])
    expect(await made.json()).toMatchObject({ seq: 1 })
  })

  test('a person types while a program reads, thinks and writes 100 times: nothing is lost', async () => {
    await put('a', { t: '|', count: { n: 0 } })
    const human = open('a')
    await human.whenSynced()
    let typing = true
    let typed = 0
    const typist = (async () => {
      const place = human.doc.getText('t')
      while (typing) {
        place.insert(place.toString().indexOf('|'), String.fromCharCode(97 + (typed++ % 26)))
        await new Promise(resolve => setTimeout(resolve, 2))
      }
    })()
    let conflicts = 0
    for (let cycle = 0; cycle < 100; cycle++) {
      for (;;) {
        const read = await server.fetch('/v1/documents/a/content')
        const etag = read.headers.get('etag') ?? ''
        const { content: now } = (await read.json()) as { content: { count: { n: number } } }
        await new Promise(resolve => setTimeout(resolve, 3))
        const operations = [
          { op: 'test', path: '/count/n', value: now.count.n },
          { op: 'replace', path: '/count/n', value: now.count.n + 1 },
        ]
        // Every tenth insists on the state that it has read; typing makes that a gamble.
        const headers: Record<string, string> =
          cycle % 10 === 0 && conflicts < 20 ? { 'if-match': etag } : {}
        const response = await patch('a', operations, headers)
        if (response.status === 200) break
        conflicts += 1
        expect(response.status).toBe(412)
      }
      await text('a', [{ root: 't', at: { quote: '|', where: 'after' }, insert: '.' }])
    }
    typing = false
    await typist
    await human.whenSaved()
    await until(() => human.doc.getMap('count').get('n') === 100, 'all cycles are seen')
    const expected = Array.from({ length: typed }, (_, i) =>
      String.fromCharCode(97 + (i % 26)),
    ).join('')
    expect(human.doc.getText('t').toString()).toBe(`${expected}|${'.'.repeat(100)}`)
    expect(await content('a')).toEqual({ t: human.doc.getText('t').toString(), count: { n: 100 } })
  }, 60_000)
})
