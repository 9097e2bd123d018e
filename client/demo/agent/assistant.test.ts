/** The assistant in Node, against a whole server: it comes as an agent, writes, and can be undone. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startTestApp, type TestApp } from '../../../server/testing/test-app.ts'
import { until } from '../../../server/testing/until.ts'
import { createClient, type DocumentHandle, type WeftClient } from '../../sdk/index.ts'
import { BoardPen } from '../board/board-pen.ts'
import { createPage, indexName, pageName, readPages } from '../space-index.ts'
import { runAssistant, type AssistantOrder } from './assistant.ts'
import { reportOn } from './report.ts'

const SPACE = 'acme'
const PAGE = 'getting-started'

function write(doc: Y.Doc, name: string, words: string): void {
  const element = new Y.XmlElement(name)
  element.insert(0, [new Y.XmlText(words)])
  const body = doc.getXmlFragment('body')
  body.insert(body.length, [element])
}
const bodyOf = ({ doc }: DocumentHandle) => doc.getXmlFragment('body').toJSON()

describe('the assistant', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const connect = (sub: string, order = {}) => {
    const token = () => server.token(sub, { name: sub, ...order })
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    return client
  }
  const ask = async (more: Partial<AssistantOrder> = {}) => {
    const grants = [{ resource: `${SPACE}/**`, role: 'editor' as const }]
    const client = connect('assistant', { kind: 'agent', grants })
    const { signal } = new AbortController()
    return runAssistant({ client, space: SPACE, page: PAGE, signal, ...more })
  }
  const open = async (client: WeftClient, name: string) => {
    const handle = client.open(name)
    await handle.whenSynced()
    return handle
  }
  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('joins as an agent, is seen writing, sums up, leaves, and is undone', async () => {
    const ada = connect('ada')
    const page = await open(ada, pageName(SPACE, PAGE))
    const space = ada.space(SPACE)
    await space.handle.whenSynced()
    write(page.doc, 'heading', 'Looms')
    write(page.doc, 'paragraph', 'They weave flowers and leaves.')
    write(page.doc, 'paragraph', '[ ] Buy cards')
    await page.whenSaved()
    const before = bodyOf(page)
    const seen: unknown[] = []
    space.awareness.on('change', () => {
      seen.push(...space.awareness.getStates().values())
    })
    const carets: unknown[] = []
    page.awareness.on('change', () => {
      for (const { cursor } of page.awareness.getStates().values() as Iterable<{
        cursor?: unknown
      }>)
        if (cursor !== undefined) carets.push(cursor)
    })
    const { outcome, undo } = await ask()
    expect(outcome).toBe('done')
    await until(() => bodyOf(page).includes('1 open task, 0 done'), 'it has written')
    expect(bodyOf(page)).toContain('8 words in 3 blocks')
    expect(bodyOf(page)).toContain('1 heading: Looms')
    expect(seen).toContainEqual(
      expect.objectContaining({
        status: 'busy',
        viewing: PAGE,
        activity: { kind: 'writing', target: PAGE },
        user: expect.objectContaining({ kind: 'agent', name: 'assistant' }) as unknown,
      }),
    )
    expect(carets.length).toBeGreaterThan(3)
    await until(() => space.awareness.getStates().size === 1, 'it has left the space')
    await until(() => page.awareness.getStates().size === 1, 'it has left the page')
    write(page.doc, 'paragraph', 'Ada went on.')
    await page.whenSaved()
    await undo()
    await until(() => !bodyOf(page).includes('Summary'), 'taken back')
    expect(bodyOf(page)).toBe(`${before}<paragraph>Ada went on.</paragraph>`)
  })

  test('asked again it takes the place of what it wrote before', async () => {
    const page = await open(connect('ada'), pageName(SPACE, PAGE))
    write(page.doc, 'paragraph', 'One.')
    await page.whenSaved()
    await ask()
    await ask()
    await until(() => bodyOf(page).split('Summary by the assistant').length === 2, 'once')
    expect(bodyOf(page)).toContain('1 word in 1 block')
  })

  test('of a board it makes a list on a page of its own, and undo takes the page away', async () => {
    const ada = connect('ada')
    const index = await open(ada, indexName(SPACE))
    const board = createPage(index.doc, 'board', 'Sketches')
    const sketches = await open(ada, pageName(SPACE, board))
    const note = { kind: 'note', x: 0, width: 180, height: 130, color: 'blue' } as const
    const pen = new BoardPen(sketches.doc)
    pen.add({ ...note, y: 300, text: 'second' })
    pen.add({ ...note, y: 0, text: 'first' })
    await Promise.all([index.whenSaved(), sketches.whenSaved()])
    const { page, undo } = await ask({ page: board })
    await until(() => readPages(index.doc).some(({ id }) => id === page), 'it is in the list')
    const made = await open(ada, pageName(SPACE, page))
    await until(() => /first.*second/.test(bodyOf(made)), 'its lines')
    await undo()
    await until(() => !readPages(index.doc).some(({ id }) => id === page), 'it is gone')
  })

  test('stopped, it stops at once; without access it writes nothing and says why', async () => {
    const page = await open(connect('ada'), pageName(SPACE, PAGE))
    write(page.doc, 'paragraph', 'x '.repeat(2_000))
    await page.whenSaved()
    const stop = new AbortController()
    const { outcome } = await ask({ signal: stop.signal, onWriting: () => stop.abort() })
    expect(outcome).toBe('stopped')
    const stranger = connect('stranger', { kind: 'agent', grants: [] })
    await expect(ask({ client: stranger })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('marks in code, by line; a long list is cut', () => {
    const doc = new Y.Doc()
    doc.getText('code').insert(0, 'a\n// TODO weave\nb\n')
    expect(reportOn(doc, { kind: 'code', title: 'x.ts' })).toEqual({
      title: 'Marks in “x.ts”',
      lines: ['4 lines, 1 mark (TODO, FIXME)', 'Line 2: TODO weave'],
    })
    doc.getText('code').insert(0, '// FIXME\n'.repeat(500))
    const { lines } = reportOn(doc, { kind: 'code', title: '' })
    expect(lines).toHaveLength(41)
    expect(lines.at(-1)).toBe('and 462 more')
  })
})
