/** Offline for real: what a device keeps, what happens when it cannot, and how it is cleared. */
import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import * as Y from 'yjs'
import { expect, newPage, test, type Stage } from '../support/fixtures.ts'

const text = (page: Page) => page.getByLabel('Page text')
const badge = (page: Page) => page.locator('.badge')
const drawer = (page: Page) => page.getByRole('dialog', { name: 'Network and storage' })
const write = async (page: Page, sentence: string) => {
  await text(page).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(sentence, { delay: 5 })
}
const openDrawer = async (page: Page) => {
  await badge(page).click()
  await expect(drawer(page)).toBeVisible()
}
const databases = (page: Page) =>
  page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name ?? ''))
const ownDatabase = async (page: Page) =>
  (await databases(page)).find(name => name.startsWith('weft ')) ?? ''

/** As somebody who may do anything. */
async function rest(stage: Stage, path: string, method: string): Promise<void> {
  const { url } = stage.network
  const answer = await fetch(`${url}/v1/dev/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: 'root' }),
  })
  const { token } = (await answer.json()) as { token: string }
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/v1/documents/${encodeURIComponent(path)}`, {
    method,
    headers,
  })
  expect(response.status).toBeLessThan(300)
}

const exported = async (page: Page, button: string) => {
  const downloading = page.waitForEvent('download')
  await drawer(page).getByRole('button', { name: button }).click()
  const file = await downloading
  const doc = new Y.Doc()
  Y.applyUpdate(doc, new Uint8Array(await readFile(await file.path())))
  return { name: file.suggestedFilename(), body: doc.getXmlFragment('body').toString() }
}

test('five documents edited offline, all tabs closed, a sixth opened: all arrive', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  const context = ada.page.context()
  await expect(badge(ada.page)).toHaveText('Saved')
  stage.network.cut()
  await expect(badge(ada.page)).toContainText('Offline')
  const ids: string[] = []
  for (const n of [1, 2, 3, 4, 5]) {
    const before = ada.page.url()
    await newPage(ada)
    await expect(ada.page).not.toHaveURL(before)
    ids.push(new URL(ada.page.url()).hash)
    await write(ada.page, `made offline, number ${n}`)
    await expect(badge(ada.page)).toHaveText(/^Offline, \d+ changes? kept on this device$/)
  }
  await ada.page.close()
  stage.network.restore()

  const sixth = await context.newPage()
  await sixth.goto(`${stage.network.url}/#/welcome/sixth`)
  await expect(badge(sixth)).toHaveText('Saved')
  for (const [i, id] of ids.entries()) {
    await grace.page.goto(`${stage.network.url}/${id}`)
    await expect(text(grace.page)).toContainText(`made offline, number ${i + 1}`, {
      timeout: 40_000,
    })
  }
  await openDrawer(sixth)
  await expect(drawer(sixth).getByText(/unsent change/)).toHaveCount(0)
})

test('the storage is full: the page works, says so, and the changes arrive', async ({ enter }) => {
  const ada = await enter({
    name: 'Ada',
    prepare: context =>
      context.addInitScript(() => {
        const full = () => {
          throw new DOMException('no room', 'QuotaExceededError')
        }
        IDBObjectStore.prototype.add = full
        IDBObjectStore.prototype.put = full
      }),
  })
  const grace = await enter({ name: 'Grace' })
  await expect(ada.page.getByText('The browser’s storage is full.')).toBeVisible()
  await write(ada.page, 'Not kept here. ')
  await expect(text(grace.page)).toContainText('Not kept here.')
  await expect(badge(ada.page)).toHaveText('Saved')
  await ada.page.getByRole('button', { name: 'Go offline' }).click()
  await write(ada.page, 'xyz')
  await expect(badge(ada.page)).toHaveText('Offline, 3 changes in this window only')
  await openDrawer(ada.page)
  await expect(drawer(ada.page)).toContainText('3, in this window')
  await expect(drawer(ada.page)).toContainText('The browser’s storage is full.')
  await ada.page.screenshot({ path: 'test-results/drawer-full.png' })
  await ada.page.keyboard.press('Escape')
  await ada.page.getByRole('button', { name: 'Reconnect' }).click()
  await expect(text(grace.page)).toContainText('Not kept here. xyz')
  expect(ada.errors).toEqual([])
})

const broken: readonly (readonly [string, string, () => void])[] = [
  [
    'gives the page no storage',
    'The browser gives this page no storage',
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('not in a private window', 'SecurityError')
      }
    },
  ],
  [
    'never answers',
    'The browser’s storage does not answer.',
    () => {
      const request = { addEventListener() {}, removeEventListener() {} }
      IDBFactory.prototype.open = () =>
        Object.assign(Object.create(IDBOpenDBRequest.prototype) as IDBOpenDBRequest, request)
    },
  ],
]
for (const [title, sentence, script] of broken) {
  test(`a private window: the browser ${title}`, async ({ enter }) => {
    const ada = await enter({ name: 'Ada', prepare: context => context.addInitScript(script) })
    const grace = await enter({ name: 'Grace' })
    await expect(ada.page.getByText(sentence)).toBeVisible()
    await write(ada.page, 'From memory.')
    await expect(text(grace.page)).toContainText('From memory.')
    await expect(badge(ada.page)).toHaveText('Saved')
    await write(grace.page, ' And back.')
    await expect(text(ada.page)).toContainText('And back.')
    expect(ada.errors).toEqual([])
  })
}

test('another tab deletes the database: it is there again, with what was unsent', async ({
  enter,
}) => {
  const ada = await enter({ name: 'Ada' })
  await write(ada.page, 'Before. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  await ada.page.getByRole('button', { name: 'Go offline' }).click()
  await write(ada.page, 'Unsent.')
  await expect(badge(ada.page)).toHaveText('Offline, 7 changes kept on this device')
  const name = await ownDatabase(ada.page)
  const other = await ada.page.context().newPage()
  await other.goto(`${ada.page.url().split('#')[0] ?? ''}livez`)
  await other.evaluate(
    database =>
      new Promise((resolve, reject) => {
        const deletion = indexedDB.deleteDatabase(database)
        deletion.onsuccess = resolve
        deletion.onerror = reject
      }),
    name,
  )
  await other.close()
  await expect.poll(() => databases(ada.page)).toContain(name)
  await write(ada.page, '!')
  await expect(badge(ada.page)).toHaveText('Offline, 8 changes kept on this device')
  await ada.page.reload()
  await expect(text(ada.page)).toContainText('Before. Unsent.!')
  await expect(badge(ada.page)).toHaveText('Saved')
})

test('two tabs without a server: each has what the other does, who it is, and what it takes back', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada' })
  await write(ada.page, 'Start. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  await ada.page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await stage.killServer()
  const second = await ada.page.context().newPage()
  await second.goto(ada.page.url())
  await expect(text(second)).toContainText('Start.')
  await write(second, 'From the second. ')
  await expect(text(ada.page)).toContainText('From the second.')
  await write(ada.page, 'From the first.')
  await expect(text(second)).toContainText('Start. From the second. From the first.')
  for (let i = 0; i < 6; i++) await ada.page.keyboard.press('Backspace')
  await expect(text(second)).not.toContainText('first.')
  for (const page of [ada.page, second]) {
    // One person, whose other window has a caret.
    await expect(page.getByLabel('People on this page').getByRole('listitem')).toHaveCount(1)
    await expect(page.locator('.collaboration-carets__label')).toHaveText('Ada')
  }
  await second.close()
  await expect(ada.page.locator('.collaboration-carets__label')).toHaveCount(0)
  await stage.startServer()
  await expect(badge(ada.page)).toHaveText('Saved', { timeout: 40_000 })
  const grace = await enter({ name: 'Grace' })
  await expect(text(grace.page)).toContainText('Start. From the second. From the')
})

test('an old copy of a deleted document never brings it back, and can be taken out', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada' })
  const context = ada.page.context()
  await write(ada.page, 'A week ago.')
  await expect(badge(ada.page)).toHaveText('Saved')
  const url = ada.page.url()
  await ada.page.close()
  await rest(stage, 'welcome/pages/getting-started', 'DELETE')
  await rest(stage, 'welcome/pages/getting-started', 'PUT')
  await context.clock.setSystemTime(Date.now() + 7 * 86_400_000)
  const page = await context.newPage()
  await page.goto(url)
  await expect(badge(page)).toHaveText('Saved')
  await expect(text(page)).not.toContainText('A week ago.')
  const grace = await enter({ name: 'Grace' })
  await expect(badge(grace.page)).toHaveText('Saved')
  await expect(text(grace.page)).not.toContainText('A week ago.')
  await openDrawer(page)
  await expect(drawer(page).getByRole('heading', { name: 'Set aside' })).toBeVisible()
  const copy = await exported(page, 'Export the copy of Getting started set aside')
  expect(copy.name).toBe('welcome-pages-getting-started.yjs')
  expect(copy.body).toContain('A week ago.')
  await drawer(page)
    .getByRole('button', { name: 'Drop the copy of Getting started set aside' })
    .click()
  await expect(drawer(page).getByRole('heading', { name: 'Set aside' })).toHaveCount(0)
})

test('kept documents are there, up to date, without having been opened', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  await write(ada.page, 'Kept. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  await openDrawer(ada.page)
  const keep = drawer(ada.page).getByRole('switch', { name: 'Keep Getting started offline' })
  await keep.focus()
  await ada.page.keyboard.press('Space')
  await expect(keep).toBeChecked()
  await ada.page.keyboard.press('Escape')
  await expect(badge(ada.page)).toBeFocused()
  await newPage(ada)
  await write(grace.page, 'Followed.')
  await expect(badge(grace.page)).toHaveText('Saved')
  await openDrawer(ada.page)
  await expect
    .poll(async () => (await exported(ada.page, 'Export Getting started')).body)
    .toContain('Kept. Followed.')
  await ada.page.keyboard.press('Escape')
  stage.network.cut()
  await ada.page.getByRole('link', { name: 'Getting started', exact: true }).click()
  await expect(text(ada.page)).toContainText('Kept. Followed.')
})

test('signing out asks, clears the device and ends every tab', async ({ enter }) => {
  const ada = await enter({ name: 'Ada' })
  await write(ada.page, 'Saved. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  const second = await ada.page.context().newPage()
  await second.goto(ada.page.url())
  await expect(text(second)).toContainText('Saved.')
  await ada.page.bringToFront()
  const name = await ownDatabase(ada.page)
  expect(name).toContain('weft ')
  await ada.page.getByRole('button', { name: 'Go offline' }).click()
  await write(ada.page, 'Unsent.')
  await expect(badge(ada.page)).toHaveText('Offline, 7 changes kept on this device')
  await ada.page.getByRole('button', { name: 'Sign out', exact: true }).click()
  const leave = drawer(ada.page).getByRole('button', { name: 'Sign out and clear this device' })
  await leave.click()
  await expect(drawer(ada.page).getByRole('alert')).toContainText('Getting started (7)')
  await drawer(ada.page).getByRole('button', { name: 'Stay' }).click()
  await leave.click()
  await drawer(ada.page).getByRole('button', { name: 'Sign out and lose them' }).click()
  for (const page of [ada.page, second]) await expect(page.getByLabel('Your name')).toBeVisible()
  // No byte is left, once every tab has let go.
  await expect.poll(() => databases(ada.page)).not.toContain(name)
})

test('a reader’s eyes: the drawer in light and dark, and on a phone', async ({ enter, stage }) => {
  for (const scheme of ['light', 'dark'] as const) {
    const ada = await enter({ name: 'Ada Byron', scheme })
    await write(ada.page, 'Some text. ')
    await expect(badge(ada.page)).toHaveText('Saved')
    await rest(stage, 'welcome/pages/getting-started', 'DELETE')
    await rest(stage, 'welcome/pages/getting-started', 'PUT')
    await ada.page.reload()
    await expect(badge(ada.page)).toHaveText('Saved')
    await newPage(ada)
    await ada.page.getByLabel('Page title').fill('Plan for the spring')
    await ada.page.getByRole('button', { name: 'Go offline' }).click()
    await write(ada.page, 'Offline.')
    await openDrawer(ada.page)
    await drawer(ada.page).getByRole('switch').first().click()
    await expect(drawer(ada.page).getByRole('switch').first()).toBeChecked()
    await drawer(ada.page).evaluate(element => element.scrollTo(0, 0))
    await ada.page.screenshot({ path: `test-results/drawer-${scheme}.png` })
    await drawer(ada.page).getByRole('button', { name: 'Sign out and clear' }).click()
    await drawer(ada.page).getByRole('alert').scrollIntoViewIfNeeded()
    await ada.page.screenshot({ path: `test-results/drawer-${scheme}-leave.png` })
    await ada.page.setViewportSize({ width: 390, height: 780 })
    await ada.page.screenshot({ path: `test-results/drawer-${scheme}-phone.png` })
  }
})
