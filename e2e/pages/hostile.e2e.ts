/** T20: hostile names, colours, carets, titles and content against somebody who only looks. */
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import type { Page } from '@playwright/test'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { PERSON_NAME_MAX } from '../../shared/person.ts'
import { until } from '../../server/testing/until.ts'
import { expect, newPage, test, type Stage } from '../support/fixtures.ts'
import { hostileElements, hostilePayloads } from '../support/hostile-payloads.ts'
import { testToken } from '../support/server-process.ts'

const PAGE = 'welcome/pages/getting-started'

/** Somebody on the same document who says whatever they like. */
async function mallory({ server }: Stage, name: string, calledName?: string) {
  const socket = new HocuspocusProviderWebsocket({
    url: server.syncUrl,
    WebSocketPolyfill: WebSocket,
  })
  const token = await testToken('mallory', { name: calledName })
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name,
    token,
    document: new Y.Doc(),
  })
  provider.attach()
  await until(() => provider.isSynced, 'mallory is there')
  return {
    doc: provider.document,
    say: (state: Record<string, unknown> | null) => provider.awareness?.setLocalState(state),
    saved: () => until(() => !provider.hasUnsyncedChanges, 'saved'),
    leave() {
      provider.destroy()
      socket.destroy()
    },
  }
}

/** Whatever runs in the page, or stands in it and could. */
async function watch(page: Page) {
  const events: string[] = []
  page.on('dialog', dialog => {
    events.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', request => {
    if (request.url().includes('evil')) events.push(`request: ${request.url()}`)
  })
  page.on('popup', popup => events.push(`popup: ${popup.url()}`))
  const scripts = await page.locator('script').count()
  const findings = () =>
    page.evaluate(known => {
      const found: string[] = []
      const isSafe = (value: string) => !/^\s*(java\s*script|vbscript|data:text)/i.test(value)
      for (const element of document.querySelectorAll('*')) {
        for (const { name, value } of element.attributes) {
          if (name.startsWith('on')) found.push(`<${element.tagName} ${name}>`)
          if (['href', 'src', 'action', 'srcdoc', 'data'].includes(name) && !isSafe(value)) {
            found.push(`<${element.tagName} ${name}="${value}">`)
          }
          if (name === 'style' && /url\(|fixed|expression|image-set/i.test(value)) {
            found.push(`<${element.tagName} style="${value}">`)
          }
        }
      }
      const strange =
        'iframe, object, embed, base, meta[http-equiv], svg script, math, form[action]'
      for (const one of document.querySelectorAll(strange)) found.push(one.outerHTML)
      const count = document.querySelectorAll('script').length
      if (count !== known) found.push(`${count - known} scripts more`)
      return found
    }, scripts)
  return { events, findings }
}

/** Somewhere for carets to be. */
const write = async (page: Page) => {
  await page.getByLabel('Page text').click()
  await page.keyboard.type('A text. ')
}
const atTheEnd = { type: null, tname: 'body', item: null, assoc: 0 }
const labels = (page: Page) => page.locator('.collaboration-carets__label').allTextContents()

test(`[T20] ${hostilePayloads.length} names and colours: shown as text, short, and the right way round`, async ({
  enter,
  stage,
}) => {
  expect(hostilePayloads.length).toBeGreaterThan(100)
  const { page, errors } = await enter({ name: 'Ada' })
  const { events, findings } = await watch(page)
  await write(page)
  const cursor = { anchor: atTheEnd, head: atTheEnd }
  for (const [i, payload] of hostilePayloads.entries()) {
    const short = payload.slice(0, 200)
    // A name that a token may have: whoever makes tokens took it as it came.
    const guest = await mallory(stage, PAGE, `${i} ${payload}`.slice(0, PERSON_NAME_MAX))
    const user = { name: 'the server says', color: short, colorLight: short, title: short }
    guest.say({ user, cursor, [payload.slice(0, 20)]: short })
    await until(async () => new RegExp(`^${i}\\b`).test((await labels(page))[0] ?? ''), short)
    const shown = await labels(page)
    expect(shown).toHaveLength(1)
    expect(Array.from(shown[0] ?? '').length, payload).toBeLessThanOrEqual(PERSON_NAME_MAX)
    expect(shown[0], short).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
    if (i % 10 === 0) expect(await findings(), payload).toEqual([])
    // A caret is drawn once; the next one is somebody else's.
    guest.leave()
    await until(async () => (await labels(page)).length === 0, 'gone')
  }
  const last = await mallory(stage, PAGE, '<img src=x onerror=alert(1)>')
  last.say({ cursor })
  await expect.poll(() => labels(page)).toEqual(['<img src=x onerror=alert(1)>'])
  const names = await page.getByLabel('People on this page').getByRole('listitem').allTextContents()
  for (const name of names) expect(Array.from(name).length).toBeLessThan(PERSON_NAME_MAX + 10)
  expect(await findings()).toEqual([])
  expect(events).toEqual([])
  expect(errors).toEqual([])
  last.leave()
})

const strangeStates: readonly Record<string, unknown>[] = [
  ...hostilePayloads.slice(0, 30).map(payload => ({ user: { name: 'x' }, cursor: payload })),
  ...hostilePayloads
    .slice(30, 50)
    .map(payload => ({ user: payload, cursor: { anchor: payload, head: payload } })),
  ...[0, true, '', [], {}, null, { name: 7 }, { name: null }, { name: { toString: 1 } }].flatMap(
    odd => [
      { user: odd, cursor: odd },
      { user: { name: odd, color: odd }, cursor: { anchor: odd, head: odd } },
      {
        user: { name: 'x' },
        cursor: { anchor: { type: odd, item: odd, tname: odd }, head: atTheEnd },
      },
    ],
  ),
  { user: { name: 'x' }, cursor: { anchor: { item: { client: 1, clock: 9 } }, head: atTheEnd } },
  { user: { name: 'x' }, cursor: { anchor: { tname: 'nowhere' }, head: { tname: 'nowhere' } } },
]

test('[T20] carets that are none, and users that are nobody: the page goes on', async ({
  enter,
  stage,
}) => {
  const { page, errors } = await enter({ name: 'Ada' })
  const { events, findings } = await watch(page)
  const guest = await mallory(stage, PAGE)
  await write(page)
  for (const [i, state] of strangeStates.entries()) {
    guest.say(state)
    const mark = guest.doc.getMap('marks')
    mark.set('i', i)
    await guest.saved()
  }
  guest.say({
    user: { name: 'Somebody else', color: '#123456' },
    cursor: { anchor: atTheEnd, head: atTheEnd },
  })
  await expect.poll(() => labels(page)).toEqual(['mallory'])
  await page.getByLabel('Page text').click()
  await page.keyboard.type('and so is the page')
  await expect(page.getByLabel('Page text')).toContainText('and so is the page')
  expect(await findings()).toEqual([])
  expect([...events, ...errors]).toEqual([])
  guest.leave()
})

test('[T20] elements, attributes, links and titles that no editor would write', async ({
  enter,
  stage,
}) => {
  const { page, errors } = await enter({ name: 'Ada' })
  const { events, findings } = await watch(page)
  const guest = await mallory(stage, PAGE)
  const index = await mallory(stage, 'welcome/index')
  const body = guest.doc.getXmlFragment('body')
  const text = (content: string, marks: Record<string, unknown> = {}) => {
    const paragraph = new Y.XmlElement('paragraph')
    const run = new Y.XmlText()
    run.insert(0, content, marks)
    paragraph.insert(0, [run])
    return paragraph
  }
  for (const [i, payload] of hostilePayloads.entries()) {
    const elements = hostileElements[i % hostileElements.length]
    const element = new Y.XmlElement(elements?.name ?? 'paragraph')
    for (const [name, value] of Object.entries({ ...elements?.attributes, title: payload })) {
      element.setAttribute(name, value)
    }
    element.insert(0, [new Y.XmlText(payload)])
    body.insert(body.length, [
      text(payload),
      text('a link', {
        link: { href: payload, target: payload, class: payload, onclick: payload },
      }),
      text('marked', { [payload.slice(0, 40)]: { x: payload }, bold: payload }),
      element,
    ])
    index.doc.getMap('pages').set(i % 3 === 0 ? payload : `p${i}`, { title: payload, createdAt: i })
  }
  for (const odd of [null, 7, 'x', [1], { title: { a: 1 } }, { title: 'x', createdAt: 'y' }, {}]) {
    index.doc.getMap('pages').set(`odd-${JSON.stringify(odd)}`.slice(0, 30), odd)
  }
  index.doc.getMap('pages').set('other', { id: '"><img src=x onerror=alert(1)>', title: 'other' })
  body.insert(body.length, [text('the last paragraph')])
  await Promise.all([guest.saved(), index.saved()])
  await expect(page.getByLabel('Page text')).toContainText('the last paragraph')
  expect(await findings()).toEqual([])
  // Somebody clicks on everything that can be followed.
  for (const link of (await page.locator('.prose a').all()).slice(0, 10)) await link.click()
  await page.reload()
  await expect(page.getByLabel('Page text')).toContainText('the last paragraph')
  expect(await findings()).toEqual([])
  expect(page.url()).toContain('127.0.0.1')
  await newPage({ page })
  await expect(page.getByLabel('Page title')).toHaveValue('')
  expect([...events, ...errors]).toEqual([])
  guest.leave()
  index.leave()
})
