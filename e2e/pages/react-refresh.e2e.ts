/** `weft/react` while its application is being written: a saved file is not another session. */
import { expect, test } from '../support/fixtures.ts'
import { joinAs, openReactPage } from '../support/react-stage.ts'
import { servePage, type ServedPage } from '../support/served-page.ts'

let served: ServedPage
test.beforeAll(async () => {
  served = await servePage('react-refresh', 'development')
})
test.afterAll(() => served.close())

test('fast refresh: the component is another one, the session and what was typed the same', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, { id: 'grace', name: 'Grace Hopper', color: '#0e7490' })
  const shown = await openReactPage(browser, { stage, served })
  const { page } = shown
  const title = page.getByLabel('Title')
  const save = (version: string) => page.evaluate(`weftPage.save('${version}')`)
  await title.fill('Loom')
  const stored = () => peer.handle.doc.getMap('meta').get('title')
  await expect.poll(stored).toBe('Loom')

  await save('renamed')
  await expect(page.getByText('Heading (1)')).toBeVisible()
  await expect(title).toHaveValue('Loom')
  await title.fill('Loom and reed')
  await expect.poll(stored).toBe('Loom and reed')

  await save('rewritten')
  await expect(page.getByRole('heading', { name: 'With 1' })).toBeVisible()
  await expect(page.getByText('Heading (0)')).toBeVisible()
  await expect(title).toHaveValue('Loom and reed')
  await title.fill('Warp')
  await expect.poll(stored).toBe('Warp')

  expect(shown.errors).toEqual([])
  expect(shown.attached).toEqual(['react/board'])
  expect(peer.handle.awareness.getStates().size).toBe(2)
  await peer.leave()
})
