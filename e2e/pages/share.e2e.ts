/** Sharing, as people see it: raised, lowered, let in for an hour, and out again. */
import AxeBuilder from '@axe-core/playwright'
import type { Locator, Page } from '@playwright/test'
import { expect, test, type Person } from '../support/fixtures.ts'
import { createNetwork } from '../support/network.ts'
import { testToken } from '../support/server-process.ts'

test.use({ serverScript: 'e2e/support/clock-server.ts' })

const HOUR_MS = 3_600_000
const GUEST = '/?guest=1#/welcome/getting-started'

const text = (page: Page) => page.getByLabel('Page text')
const note = (page: Page) => page.getByLabel('Your access')
const aside = (page: Page) => page.getByLabel('Set aside: not saved')
const dialog = (page: Page) => page.getByRole('dialog', { name: /^Share/ })
const picture = (page: Page | Locator, name: string) =>
  page.screenshot({ path: `test-results/share-${name}.png` })

const idOf = ({ page }: Person) => page.locator('.own-id code').innerText()

/** Opens the dialog, and waits until it knows who has access. */
async function openShare({ page }: Person): Promise<Locator> {
  await page.getByRole('button', { name: /^Share/ }).click()
  await expect(dialog(page).getByRole('heading', { name: 'Who has access' })).toBeVisible()
  return dialog(page)
}

async function findsNothing({ page }: Person, within: string): Promise<void> {
  // What is still moving in has no colours to judge.
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
  const { violations } = await new AxeBuilder({ page }).include(within).analyze()
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
}

test('[G12] a viewer is told, is raised and types without reload, is lowered and keeps the words', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada Byron' })
  await text(ada.page).click()
  await ada.page.keyboard.type('The loom weaves flowers.')
  const slowWay = await createNetwork(() => stage.server.port)
  const bob = await enter({ name: 'Bob Martin', as: 'guest', path: GUEST, network: slowWay })
  await expect(bob.page.getByRole('heading', { level: 1 })).toHaveText(
    'This page is not open to you',
  )
  await expect(bob.page.locator('body')).not.toContainText('The loom')
  const bobId = await idOf(bob)

  const share = await openShare(ada)
  await share.getByLabel('Id of a person or group').fill(bobId)
  await share.getByRole('button', { name: 'Add' }).click()
  const role = share.getByLabel(`Role of ${bobId}`)
  await expect(role).toHaveValue('viewer')

  await test.step('a viewer tries to type and is told', async () => {
    await expect(text(bob.page)).toContainText('The loom weaves flowers.')
    await expect(note(bob.page)).toContainText('You can read this page.')
    await text(bob.page).click()
    await bob.page.keyboard.type('x')
    await expect(note(bob.page).getByRole('alert')).toHaveText('What you typed was not entered.')
    await expect(text(bob.page)).not.toContainText('x')
    await picture(bob.page, 'viewer')
  })

  await bob.page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }))
  await test.step('an owner raises him to editor and he types without reload', async () => {
    await role.selectOption('editor')
    await expect(note(bob.page)).toHaveCount(0)
    // No click: the focus has stayed where it was.
    await expect(text(bob.page)).toBeFocused()
    await bob.page.keyboard.press('Control+End')
    await bob.page.keyboard.type(' And leaves.')
    await expect(text(ada.page)).toContainText('The loom weaves flowers. And leaves.')
    await expect(bob.page.locator('.badge')).toHaveText('Saved')
  })

  await test.step('the owner takes it back and the half-written sentence is set aside', async () => {
    slowWay.slow(1_500)
    await bob.page.keyboard.type(' But then she wan')
    await role.selectOption('viewer')
    await expect(aside(bob.page)).toContainText(' But then she wan', { timeout: 30_000 })
    slowWay.slow(0)
    await expect(text(bob.page)).toHaveAttribute('contenteditable', 'false')
    await expect(text(bob.page)).toHaveText('The loom weaves flowers. And leaves.')
    await expect(text(ada.page)).toHaveText('The loom weaves flowers. And leaves.')
    await picture(bob.page, 'set-aside')
    await bob.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await aside(bob.page).getByRole('button', { name: 'Copy text' }).click()
    await expect(aside(bob.page).getByRole('button', { name: 'Copied' })).toBeVisible()
    expect(await bob.page.evaluate(() => navigator.clipboard.readText())).toBe(' But then she wan')
    await findsNothing(bob, '.paper')
  })

  await test.step('dismissed, it stays within reach', async () => {
    expect(await bob.page.evaluate(() => 'isTheSamePage' in globalThis)).toBe(true)
    await bob.page.reload()
    await expect(aside(bob.page)).toContainText(' But then she wan')
    await aside(bob.page).getByRole('button', { name: 'Dismiss' }).click()
    await expect(aside(bob.page)).toHaveCount(0)
    await bob.page.locator('.badge').click()
    const drawer = bob.page.getByRole('dialog')
    await expect(drawer.getByRole('heading', { name: 'Set aside' })).toBeVisible()
  })
  await slowWay.close()
})

test('[G12] a guest asks, an owner approves for one hour, the clock passes, the guest is out', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada Byron' })
  await text(ada.page).click()
  await ada.page.keyboard.type('Only for those who are asked in.')
  const gus = await enter({ name: 'Gus Guest', as: 'guest', path: GUEST })
  await expect(gus.page.locator('.shut')).toBeVisible()
  await findsNothing(gus, '.shut')
  await picture(gus.page, 'ask')

  await test.step('a guest asks for access', async () => {
    await gus.page.getByLabel('What you would like').selectOption('editor')
    await gus.page.getByLabel('Why (optional)').fill('The audit of this spring')
    await gus.page.getByRole('button', { name: 'Ask for access' }).click()
    await expect(gus.page.getByText('You asked to edit.')).toBeVisible()
    await picture(gus.page, 'asked')
  })

  await test.step('an owner approves for one hour', async () => {
    const button = ada.page.getByRole('button', { name: 'Share, 1 waiting for an answer' })
    await expect(button).toBeVisible({ timeout: 20_000 })
    await picture(ada.page, 'waiting')
    const share = await openShare(ada)
    await expect(share).toContainText('The audit of this spring')
    await share.getByLabel('How long for Gus Guest').selectOption({ label: 'For 1 hour' })
    await findsNothing(ada, 'dialog')
    await picture(ada.page, 'request')
    await share.getByRole('button', { name: 'Approve Gus Guest' }).click()
    await expect(share.getByLabel('Role of Gus Guest')).toHaveValue('editor')
    await expect(text(gus.page)).toContainText('Only for those who are asked in.', {
      timeout: 20_000,
    })
    await ada.page.keyboard.press('Escape')
    await expect(dialog(ada.page)).toHaveCount(0)
    await expect(ada.page.getByRole('button', { name: /^Share/ })).toBeFocused()
    await text(gus.page).click()
    await gus.page.keyboard.press('Control+End')
    await gus.page.keyboard.type(' Thank you.')
    await expect(text(ada.page)).toContainText('asked in. Thank you.')
  })

  await test.step('the clock passes, the guest is out', async () => {
    await stage.server.advance(HOUR_MS - 60_000)
    await expect(text(gus.page)).toContainText('Thank you.')
    await stage.server.advance(120_000)
    await expect(gus.page.getByRole('heading', { level: 1 })).toHaveText('Your access has ended', {
      timeout: 40_000,
    })
    await expect(gus.page.locator('body')).not.toContainText('Only for those')
    await expect(gus.page.getByRole('button', { name: 'Ask for access' })).toBeVisible()
    await picture(gus.page, 'ended')
    // Nor does it stay on his device, to be read without the server.
    await gus.page.getByRole('button', { name: 'Sign out' }).click()
    await expect(gus.page.getByRole('dialog')).toContainText('Nothing yet.')
    await gus.page.keyboard.press('Escape')
    await gus.page.reload()
    await expect(gus.page.getByRole('heading', { level: 1 })).toHaveText(
      'This page is not open to you',
    )
    await expect(gus.page.locator('body')).not.toContainText('Only for those')
    // Ada is as she was: her token was made anew.
    await text(ada.page).click()
    await ada.page.keyboard.press('Control+End')
    await ada.page.keyboard.type(' Bye.')
    await expect(ada.page.locator('.badge')).toHaveText('Saved', { timeout: 40_000 })
  })
})

test('sent away in the middle of a sentence: the words are kept, the page is not', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada Byron' })
  await text(ada.page).click()
  await ada.page.keyboard.type('A secret of the house.')
  const slowWay = await createNetwork(() => stage.server.port)
  const bob = await enter({ name: 'Bob', as: 'guest', path: GUEST, network: slowWay })
  const share = await openShare(ada)
  await share.getByLabel('Id of a person or group').fill(await idOf(bob))
  await share.getByLabel('Role', { exact: true }).selectOption('editor')
  await share.getByRole('button', { name: 'Add' }).click()
  await text(bob.page).click()
  await bob.page.keyboard.press('Control+End')
  slowWay.slow(1_500)
  await bob.page.keyboard.type(' Mine alone')
  await share.getByRole('button', { name: /^Remove/ }).click()
  await expect(bob.page.getByRole('heading', { level: 1 })).toHaveText('Your access has ended')
  await expect(aside(bob.page)).toContainText('Mine alone')
  await expect(bob.page.locator('body')).not.toContainText('A secret')
  await picture(bob.page, 'sent-away')
  slowWay.slow(0)
  await slowWay.close()
})

test('the dialog: spaces, groups and ends; in light, dark and on a phone', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada Byron', scheme: 'dark' })
  const give = async (order: object) => {
    const answer = await ada.page.request.post(`${stage.server.url}/v1/grants`, {
      headers: { authorization: `Bearer ${await testToken('admin')}` },
      data: order,
    })
    expect(answer.status()).toBe(201)
  }
  const page = 'welcome/pages/getting-started'
  await give({ subject: 'group:legal', resource: 'welcome/**', role: 'commenter' })
  await give({ subject: 'user:max.mustermann@example.org', resource: page, role: 'owner' })
  await give({ subject: 'user:grace', resource: page, role: 'editor', paths: ['comments'] })
  const share = await openShare(ada)

  await share.getByLabel('Id of a person or group').fill('linus')
  await share.getByLabel('End of access', { exact: true }).selectOption({ label: 'For 1 week' })
  await share.getByRole('button', { name: 'Add' }).click()
  await expect(share.getByLabel('End of access for linus', { exact: true })).toHaveValue('set')
  await share
    .getByLabel('End of access for linus', { exact: true })
    .selectOption({ label: 'No end' })
  await expect(share.getByLabel('End of access for linus', { exact: true })).toHaveValue('none')
  await share
    .getByLabel('End of access for linus', { exact: true })
    .selectOption({ label: 'Until a date…' })
  await share.getByLabel('End of access for linus: date').fill('2099-05-04T12:00')
  await share.getByLabel('End of access for linus: date').press('Enter')
  await expect(share.getByLabel('End of access for linus', { exact: true })).toContainText('May 4')

  const own = share.getByRole('listitem').filter({ hasText: 'legal' })
  await expect(own).toContainText('from welcome, with all that is in it')
  await share.getByLabel('Role of everyone with a token').selectOption('viewer')
  const gus = await enter({ name: 'Gus', as: 'guest', path: GUEST, opens: 'page' })
  await expect(note(gus.page)).toContainText('You can read this page.')
  await expect(share.getByLabel('Role of everyone with a token')).toHaveValue('viewer')

  await findsNothing(ada, 'dialog')
  await picture(ada.page, 'dark')
  await ada.page.emulateMedia({ colorScheme: 'light' })
  await findsNothing(ada, 'dialog')
  await picture(ada.page, 'light')
  await ada.page.setViewportSize({ width: 390, height: 780 })
  await findsNothing(ada, 'dialog')
  await picture(ada.page, 'phone')
  await ada.page.emulateMedia({ colorScheme: 'dark' })
  await ada.page.keyboard.press('End')
  await picture(ada.page, 'phone-dark')

  await share.getByRole('button', { name: 'Remove linus' }).press('Enter')
  await expect(share.getByRole('button', { name: 'Remove linus' })).toHaveCount(0)
  await expect(share.getByRole('heading', { name: 'Who has access' })).toBeFocused()
  await share.getByLabel('Role of everyone with a token').selectOption('')
  await expect(gus.page.getByRole('heading', { level: 1 })).toHaveText('Your access has ended')

  // Somebody who may not share is offered the link, and nothing that would be refused.
  await gus.page.emulateMedia({ colorScheme: 'dark' })
  await gus.page.setViewportSize({ width: 390, height: 780 })
  await picture(gus.page, 'phone-ended')
  await share.getByLabel('Role of everyone with a token').selectOption('commenter')
  await expect(note(gus.page)).toContainText('You can comment on this page.')
  await gus.page.getByRole('button', { name: 'Share' }).click()
  await expect(dialog(gus.page)).toContainText('Only owners of this page can say who has access.')
  await expect(dialog(gus.page).getByRole('combobox')).toHaveCount(0)
  await expect(dialog(gus.page).getByLabel('Link for guests')).toHaveValue(
    /\/\?guest=1#\/welcome\/getting-started$/,
  )
  await findsNothing(gus, 'dialog')
  await picture(gus.page, 'phone-link')
})
