/** The README's bindings: three editors, each on three providers, all on the same documents. */
import type { Browser, Page } from '@playwright/test'
import { servePage, type ServedPage } from '../support/served-page.ts'
import { expect, test } from '../support/fixtures.ts'
import { testToken, type ServerProcess } from '../support/server-process.ts'

const sources = ['sdk', 'hocuspocus', 'y-websocket'] as const
const colors = { sdk: '#3f51d8', hocuspocus: '#b3261e', 'y-websocket': '#1b7f4b' }
const editors = {
  tiptap: '.tiptap',
  blocknote: '.bn-editor',
  codemirror: '.cm-content',
} as const
type Editor = keyof typeof editors

let bindings: ServedPage
test.beforeAll(async () => {
  bindings = await servePage('bindings')
})
test.afterAll(() => bindings.close())

type Window = {
  readonly server: ServerProcess
  readonly source: (typeof sources)[number]
  readonly editor: Editor
  readonly user: string
}

async function open(browser: Browser, { server, source, editor, user }: Window): Promise<Page> {
  const page = await browser.newPage()
  const url = source === 'sdk' ? server.url : server.url.replace('http', 'ws')
  const token = await testToken(user)
  const color = colors[source]
  const name = `bound/${editor}`
  const query = new URLSearchParams({ source, editor, user, color, url, token, name })
  await page.goto(`${bindings.url}?${query.toString()}`)
  await page.locator(editors[editor]).waitFor()
  return page
}

const text = (page: Page, editor: Editor) => page.locator(editors[editor]).first()

for (const editor of Object.keys(editors) as Editor[]) {
  test(`${editor}: through the sdk and both stock providers`, async ({ browser, stage }) => {
    const { server } = stage
    const pages: Page[] = []
    for (const source of sources) {
      const page = await open(browser, { server, source, editor, user: `${source}-user` })
      pages.push(page)
      // Everything that the others wrote is here before this one writes.
      for (const other of sources.slice(0, pages.length - 1)) {
        await expect(text(page, editor)).toContainText(`${other} was here`)
      }
      await text(page, editor).click()
      await page.keyboard.press('Control+End')
      await page.keyboard.type(` ${source} was here`)
    }
    for (const page of pages) {
      for (const source of sources) {
        await expect(text(page, editor)).toContainText(`${source} was here`)
      }
    }
    // Carets carry the names of their owners, whatever brought them.
    const [first] = pages
    if (first === undefined) throw new Error('no page was opened')
    await expect(first.getByText('y-websocket-user').first()).toBeAttached()
    await Promise.all(pages.map(page => page.close()))
  })
}
