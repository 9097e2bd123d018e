/** `weft/react` while its application is being written: a saved file is not another session. */
import { expect, test } from '../support/fixtures.ts'
import { joinAs, openReactPage } from '../support/react-stage.ts'
import { refreshedPage, type RefreshedPage } from '../support/refreshed-page.ts'

let served: RefreshedPage
test.beforeAll(async () => {
  served = await refreshedPage('react')
})
test.afterAll(() => served.close())

test('fast refresh: the component is another one, the session and what was typed the same', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, { id: 'grace', name: 'Grace Hopper', color: '#0e7490' })
  const shown = await openReactPage(browser, { stage, served })
  const { page } = shown
  await expect(page.getByTestId('permission')).toHaveText('write/writes')
  await page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }))
  await page.getByLabel('Title').fill('Loom')
  await expect.poll(() => peer.handle.doc.getMap('meta').get('title')).toBe('Loom')
  for (const word of ['Rows', 'Lines', 'Threads']) {
    served.edit('room.tsx', { from: 'Tasks: {', to: `${word}: {` })
    await expect(page.getByRole('button', { name: `${word}: 0` })).toBeVisible()
  }
  await expect(page.getByLabel('Title')).toHaveValue('Loom')
  await page.getByLabel('Title').fill('Loom and reed')
  await expect.poll(() => peer.handle.doc.getMap('meta').get('title')).toBe('Loom and reed')
  expect(await page.evaluate(() => 'isTheSamePage' in globalThis)).toBe(true)
  expect(shown.attached).toEqual(['react/board'])
  expect(peer.handle.awareness.getStates().size).toBe(2)
  await peer.leave()
})
