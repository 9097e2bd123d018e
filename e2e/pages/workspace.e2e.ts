/** The workspace, as people use it: two windows, a network that goes away, a server that dies. */
import type { Page } from '@playwright/test'
import { expect, newPage, test } from '../support/fixtures.ts'
import { readDocument } from '../support/independent-reader.ts'

const text = (page: Page) => page.getByLabel('Page text')
const badge = (page: Page) => page.locator('.badge')
const write = async (page: Page, sentence: string) => {
  await text(page).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(sentence, { delay: 5 })
}
/** What was written, without the names on other people's carets. */
const written = (page: Page) =>
  text(page).evaluate(prose => {
    const copy = prose.cloneNode(true) as HTMLElement
    for (const caret of copy.querySelectorAll('.collaboration-carets__caret')) caret.remove()
    return copy.textContent
  })
const sameText = async (one: Page, other: Page) => {
  await expect.poll(async () => (await written(one)) === (await written(other))).toBe(true)
}

test('two windows: each sees what the other writes, where, and who it is', async ({ enter }) => {
  const ada = await enter({ name: 'Ada Byron' })
  const grace = await enter({ name: 'Grace Hopper', scheme: 'dark' })
  await expect(badge(ada.page)).toHaveText('Saved')
  await write(ada.page, 'The loom weaves flowers.')
  await expect(text(grace.page)).toContainText('The loom weaves flowers.')
  await expect(grace.page.locator('.collaboration-carets__label')).toHaveText('Ada Byron')
  await write(grace.page, ' And leaves.')
  await expect(text(ada.page)).toContainText('And leaves.')
  await expect(ada.page.locator('.collaboration-carets__label')).toHaveText('Grace Hopper')
  for (const { page } of [ada, grace]) {
    await expect(page.getByLabel('People on this page').getByRole('listitem')).toHaveCount(2)
    await expect(badge(page)).toHaveText('Saved')
  }
  await grace.page.close()
  await expect(ada.page.getByLabel('People on this page').getByRole('listitem')).toHaveCount(1)
  await expect(ada.page.locator('.collaboration-carets__label')).toHaveCount(0)
  expect([...ada.errors, ...grace.errors]).toEqual([])
})

test('pages: a new one appears in the other window, under its name', async ({ enter }) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  await newPage(ada)
  await expect(ada.page).toHaveURL(/#\/welcome\/[a-z0-9_-]{10}$/)
  await ada.page.getByLabel('Page title').fill('Notes on the engine')
  const link = grace.page.getByRole('link', { name: 'Notes on the engine', exact: true })
  await link.click()
  await expect(grace.page.getByLabel('Page title')).toHaveValue('Notes on the engine')
  await write(ada.page, 'only here')
  await expect(text(grace.page)).toContainText('only here')
  await grace.page.getByRole('link', { name: 'Getting started', exact: true }).click()
  await expect(text(grace.page)).not.toContainText('only here')
})

test('the button cuts this window off; nothing is lost on either side', async ({ enter }) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  await write(ada.page, 'Together. ')
  await expect(text(grace.page)).toContainText('Together.')
  await ada.page.getByRole('button', { name: 'Go offline' }).click()
  await expect(badge(ada.page)).toHaveText('Offline')
  await write(ada.page, 'alone')
  await expect(badge(ada.page)).toHaveText('Offline, 5 changes kept on this device')
  await write(grace.page, 'Meanwhile here. ')
  await expect(text(grace.page)).not.toContainText('alone')
  await ada.page.getByRole('button', { name: 'Reconnect' }).click()
  await expect(badge(ada.page)).toHaveText('Saved')
  await expect(text(grace.page)).toContainText('alone')
  await sameText(ada.page, grace.page)
})

test('the network goes, the page is loaded anew without it, and comes back', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  await write(ada.page, 'Before. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  await ada.page.waitForFunction(() => navigator.serviceWorker.controller !== null)

  stage.network.cut()
  await expect(badge(ada.page)).toHaveText('Offline')
  await write(ada.page, 'Kept.')
  await expect(badge(ada.page)).toHaveText('Offline, 5 changes kept on this device')
  await ada.page.reload()
  await expect(text(ada.page)).toContainText('Before. Kept.')
  await expect(badge(ada.page)).toHaveText('Offline, 5 changes kept on this device')
  await expect(ada.page.getByLabel('Page title')).toHaveValue('Getting started')
  await write(ada.page, '!')
  await expect(badge(ada.page)).toHaveText('Offline, 6 changes kept on this device')

  stage.network.restore()
  await expect(badge(ada.page)).toHaveText('Saved', { timeout: 40_000 })
  await expect(text(grace.page)).toContainText('Before. Kept.!', { timeout: 40_000 })
  await sameText(ada.page, grace.page)
})

test('the browser itself says that it is offline', async ({ enter }) => {
  const ada = await enter({ name: 'Ada' })
  await write(ada.page, 'x')
  await expect(badge(ada.page)).toHaveText('Saved')
  await ada.page.context().setOffline(true)
  await expect(badge(ada.page)).toContainText('Offline')
  await write(ada.page, 'yz')
  await expect(badge(ada.page)).toHaveText('Offline, 2 changes kept on this device')
  await ada.page.context().setOffline(false)
  // At once, not when the next try would have been due.
  await expect(badge(ada.page)).toHaveText('Saved', { timeout: 5_000 })
})

test('the server is killed under both, and comes back', async ({ enter, stage }) => {
  const ada = await enter({ name: 'Ada' })
  const grace = await enter({ name: 'Grace' })
  await write(ada.page, 'Saved before. ')
  await expect(badge(ada.page)).toHaveText('Saved')
  await stage.killServer()
  await expect(badge(ada.page)).toContainText('Offline')
  await expect(badge(grace.page)).toContainText('Offline')
  const stored = readDocument(stage.dataDir, 'welcome/pages/getting-started')
  expect(stored?.doc.getXmlFragment('body').toString()).toContain('Saved before. ')
  await write(ada.page, 'Ada went on. ')
  await write(grace.page, 'Grace too. ')
  await stage.startServer()
  for (const { page } of [ada, grace]) {
    await expect(badge(page)).toHaveText('Saved', { timeout: 40_000 })
    await expect(text(page)).toContainText('Ada went on.')
    await expect(text(page)).toContainText('Grace too.')
  }
  await sameText(ada.page, grace.page)
})

test('a slow network shows "saving", never "saved" too early', async ({ enter, stage }) => {
  const ada = await enter({ name: 'Ada' })
  await expect(badge(ada.page)).toHaveText('Saved')
  stage.network.slow(700)
  await write(ada.page, 'x')
  await expect(badge(ada.page)).toHaveText('Saving…')
  await expect(badge(ada.page)).toHaveText('Saved')
  stage.network.slow(0)
})

test('two tabs of one person share the copy on the device', async ({ enter }) => {
  const ada = await enter({ name: 'Ada' })
  await write(ada.page, 'One person, two tabs.')
  await expect(badge(ada.page)).toHaveText('Saved')
  const second = await ada.page.context().newPage()
  await second.goto(ada.page.url())
  await expect(text(second)).toContainText('One person, two tabs.')
  await write(second, ' Yes.')
  await expect(text(ada.page)).toContainText('Yes.')
})

test('a reader’s eyes: pictures in light and dark', async ({ enter }) => {
  const ada = await enter({ name: 'Ada Byron' })
  const grace = await enter({ name: 'Grace Hopper', scheme: 'dark' })
  await newPage(ada)
  await ada.page.getByLabel('Page title').fill('Plan for the spring')
  await grace.page.getByRole('link', { name: 'Plan for the spring', exact: true }).click()
  await text(ada.page).click()
  await ada.page.keyboard.type('## What we know\n')
  await ada.page.keyboard.type('People write together, and the network is not always there. ')
  await ada.page.keyboard.type('Whatever they wrote is on their own device first.\n')
  await ada.page.keyboard.type('- Open a second window and write in both\n')
  await ada.page.keyboard.type('Cut one of them off, and go on')
  await text(grace.page).click()
  await grace.page.keyboard.press('Control+End')
  await grace.page.keyboard.type('Nothing is lost when it is back')
  await expect(badge(grace.page)).toHaveText('Saved')
  await expect(ada.page.locator('.collaboration-carets__label')).toBeVisible()
  await text(ada.page).press('ArrowUp')
  const folder = process.env['UPDATE_PICTURES'] === '1' ? 'e2e/pictures' : 'test-results'
  await ada.page.screenshot({ path: `${folder}/workspace-light.png` })
  await grace.page.screenshot({ path: `${folder}/workspace-dark.png` })
  await ada.page.setViewportSize({ width: 390, height: 780 })
  await ada.page.screenshot({ path: `${folder}/workspace-phone.png` })
})
