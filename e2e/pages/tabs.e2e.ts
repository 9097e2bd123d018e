/** Several tabs of one person: one socket for all, whichever of them is closed. */
import type { Page } from '@playwright/test'
import { expect, test, type Stage } from '../support/fixtures.ts'

const text = (page: Page) => page.getByLabel('Page text')
const badge = (page: Page) => page.locator('.badge')
const write = async (page: Page, sentence: string) => {
  await text(page).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(sentence, { delay: 5 })
}

/** How many sockets the server has open. */
async function socketsAt(stage: Stage): Promise<number> {
  const metrics = await (await fetch(`${stage.network.url}/metrics`)).text()
  const values = metrics.matchAll(/^weft_connections\{[^}]*\} (\d+)$/gm)
  return Array.from(values).reduce((sum, [, value]) => sum + Number(value), 0)
}

test('three tabs, one socket: the first is closed, the others go on', async ({ enter, stage }) => {
  const ada = await enter({ name: 'Ada' })
  const context = ada.page.context()
  const [second, third] = [await context.newPage(), await context.newPage()]
  for (const page of [second, third]) {
    await page.goto(ada.page.url())
    await expect(badge(page)).toHaveText('Saved')
  }
  expect(await socketsAt(stage)).toBe(1)
  await write(second, 'From the second. ')
  await expect(text(third)).toContainText('From the second.')
  await expect(badge(second)).toHaveText('Saved')

  const grace = await enter({ name: 'Grace' })
  await expect(text(grace.page)).toContainText('From the second.')
  expect(await socketsAt(stage)).toBe(2)
  await write(grace.page, 'From Grace. ')
  for (const page of [ada.page, second, third]) {
    await expect(text(page)).toContainText('From Grace.')
  }

  await ada.page.close()
  const closedAt = Date.now()
  await write(second, 'After the first. ')
  await expect(text(grace.page)).toContainText('After the first.')
  expect(Date.now() - closedAt).toBeLessThan(4_000)
  await write(grace.page, 'And back.')
  await expect(text(third)).toContainText('And back.')
  for (const page of [second, third]) await expect(badge(page)).toHaveText('Saved')
  expect(await socketsAt(stage)).toBe(2)

  // The one that leads now is cut off by its user: the other one is not.
  for (const [one, other] of [
    [second, third],
    [third, second],
  ] as const) {
    await one.getByRole('button', { name: 'Go offline' }).click()
    await expect(badge(one)).toContainText('Offline')
    await write(other, 'Still there. ')
    await expect(badge(other)).toHaveText('Saved')
    await one.getByRole('button', { name: 'Reconnect' }).click()
    await expect(badge(one)).toHaveText('Saved')
  }
  expect(await socketsAt(stage)).toBe(2)
  expect([...ada.errors, ...grace.errors]).toEqual([])
})

test('the server dies and comes back: all tabs do, on one socket', async ({ enter, stage }) => {
  const ada = await enter({ name: 'Ada' })
  const second = await ada.page.context().newPage()
  await second.goto(ada.page.url())
  await expect(badge(second)).toHaveText('Saved')
  await stage.killServer()
  await expect(badge(second)).toContainText('Offline')
  await write(second, 'Meanwhile. ')
  await stage.startServer()
  for (const page of [ada.page, second]) {
    await expect(badge(page)).toHaveText('Saved', { timeout: 40_000 })
  }
  await expect(text(ada.page)).toContainText('Meanwhile.')
  expect(await socketsAt(stage)).toBe(1)
})
