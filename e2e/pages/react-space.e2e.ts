/** `useSpace` in a browser: present without a document, one session, told why not. */
import type { Grant } from '../../shared/permissions.ts'
import { expect, test, type Stage } from '../support/fixtures.ts'
import { joinAs, openReactPage } from '../support/react-stage.ts'
import { testToken } from '../support/server-process.ts'
import { servePage, type ServedPage } from '../support/served-page.ts'

const SPACE = 'react/plan'
const DOCUMENT = `~space/${SPACE}`
const grace = { id: 'grace', name: 'Grace Hopper', color: '#0e7490' }

let served: ServedPage
test.beforeAll(async () => {
  served = await servePage('react', 'development')
})
test.afterAll(() => served.close())

const send = async (stage: Stage, method: string, path: string, body: object) => {
  const answer = await fetch(`${stage.server.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await testToken('grace')}`,
    },
    body: JSON.stringify(body),
  })
  expect(answer.ok, await answer.clone().text()).toBe(true)
}

test('one session for several components; others are seen, and see what one tells', async ({
  browser,
  stage,
}) => {
  await send(stage, 'POST', '/v1/spaces', { name: SPACE, title: 'The plan' })
  const peer = await joinAs(stage, grace, DOCUMENT)
  const shown = await openReactPage(browser, { stage, served, name: SPACE, scene: 'space' })
  const part = (id: string) => shown.page.getByTestId(id)
  await expect(part('ready')).toHaveText('live')
  await expect(part('connection')).toHaveText('connected')
  await expect(part('people')).toContainText('Grace Hopper')
  await expect(part('title')).toHaveText('The plan')
  await shown.page.getByRole('button', { name: 'Look at the board' }).click()
  await expect.poll(() => peer.told('viewing')).toContain('board')
  await shown.renders()
  peer.say({ viewing: 'list' })
  await expect(part('viewing')).toHaveText('list')
  expect(await shown.renders()).toMatchObject({ count: 0 })
  expect(shown.attached).toEqual([DOCUMENT])
  expect(shown.sockets()).toBe(1)
  // Out, and the others see it.
  await shown.page.getByRole('button', { name: 'Go out' }).click()
  await expect.poll(() => peer.handle.awareness.getStates().size).toBe(1)
  await shown.page.getByRole('button', { name: 'Come in' }).click()
  await expect.poll(() => peer.handle.awareness.getStates().size).toBe(2)
  expect(shown.errors).toEqual([])
  await peer.leave()
})

test('who is not let in is told why, joins, and is in without a reload', async ({
  browser,
  stage,
}) => {
  const name = 'react/open'
  await send(stage, 'POST', '/v1/spaces', { name, joining: 'open' })
  const grants: Grant[] = []
  const order = { grants }
  const shown = await openReactPage(browser, { stage, served, name, scene: 'space', order })
  const part = (id: string) => shown.page.getByTestId(id)
  await expect(part('error')).toHaveText('FORBIDDEN')
  await shown.page.getByRole('button', { name: 'Join' }).click()
  await expect(part('connection')).toHaveText('connected')
  await expect(part('error')).toHaveText('none')
  await send(stage, 'PATCH', `/v1/spaces/${encodeURIComponent(name)}`, { closed: true })
  await expect(part('error')).toHaveText('SPACE_CLOSED')
  await send(stage, 'PATCH', `/v1/spaces/${encodeURIComponent(name)}`, { closed: false })
  await shown.page.getByRole('button', { name: 'Ask again' }).click()
  await expect(part('connection')).toHaveText('connected')
  await expect(part('error')).toHaveText('none')
})
