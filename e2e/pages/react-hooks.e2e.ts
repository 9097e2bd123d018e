/** `weft/react` in a browser: one session for each document, no lost edit, no needless render. */
import { expect, test } from '../support/fixtures.ts'
import { joinAs, openReactPage, type ReactPage } from '../support/react-stage.ts'
import { servePage, type ServedPage } from '../support/served-page.ts'

const NAME = 'react/board'
const grace = { id: 'grace', name: 'Grace Hopper', color: '#0e7490' }

let served: ServedPage
test.beforeAll(async () => {
  served = await servePage('react', 'development')
})
test.afterAll(() => served.close())

const part = ({ page }: ReactPage, id: string) => page.getByTestId(id)

async function isLive(shown: ReactPage): Promise<void> {
  await expect(part(shown, 'permission')).toHaveText('write/writes')
  await expect(part(shown, 'connection')).toHaveText('connected')
  await expect(part(shown, 'saved')).toHaveText('saved')
}

const hide = (shown: ReactPage, isHidden: boolean) =>
  shown.page.evaluate(given => weftPage.show({ isHidden: given }), isHidden)
const goTo = (shown: ReactPage, route: string) =>
  shown.page.evaluate(given => weftPage.show({ route: given }), route)

test('StrictMode, token functions made in each render: one socket, one session', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, grace)
  const shown = await openReactPage(browser, { stage, served })
  await isLive(shown)
  for (let round = 0; round < 20; round += 1) {
    await shown.page.evaluate(() => weftPage.renderAgain())
  }
  await shown.page.getByLabel('Title').fill('Loom')
  await expect.poll(() => peer.handle.doc.getMap('meta').get('title')).toBe('Loom')
  expect(shown.attached).toEqual([NAME])
  expect(shown.sockets()).toBe(1)
  // The server knows two people on it, of one window each.
  expect(peer.handle.awareness.getStates().size).toBe(2)
  expect(shown.errors).toEqual([])
  await peer.leave()
})

test('each hook shows what it is about, and follows it', async ({ browser, stage }) => {
  const peer = await joinAs(stage, grace)
  const shown = await openReactPage(browser, { stage, served })
  await isLive(shown)
  const { page } = shown
  peer.handle.doc.getMap('meta').set('title', 'From Grace')
  await expect(page.getByLabel('Title')).toHaveValue('From Grace')
  await page.getByRole('button', { name: 'Tasks: 0' }).click()
  await expect(page.getByRole('button', { name: 'Tasks: 1' })).toBeVisible()
  await expect.poll(() => peer.handle.doc.getArray('tasks').length).toBe(1)
  await part(shown, 'text').click()
  await expect(part(shown, 'text')).toHaveText('x')
  peer.say({ tool: 'brush' })
  await expect(part(shown, 'others')).toHaveText('brush')
  await expect(part(shown, 'count')).toHaveText('1')
  await expect(part(shown, 'self')).toHaveText('pen/none')
  await part(shown, 'self').click()
  await expect(part(shown, 'self')).toHaveText('eraser/none')
  await expect.poll(() => peer.told('tool')).toContain('eraser')
  await page.getByLabel('Message').pressSequentially('hi')
  await expect.poll(() => peer.told('typing')).toContain(true)
  await page.getByLabel('Title').focus()
  await expect.poll(() => peer.told('typing')).not.toContain(true)
  await peer.leave()
  await expect(part(shown, 'count')).toHaveText('0')
  await page.evaluate(() => weftPage.client.disconnect())
  await expect(part(shown, 'connection')).toHaveText('disconnected')
  await expect(part(shown, 'saved')).toHaveText('offline')
})

test('signals: one call for each, by the listener of the last render', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, grace)
  const shown = await openReactPage(browser, { stage, served })
  await isLive(shown)
  const heard: unknown[] = []
  peer.handle.onSignal('chat.back', ({ from, data }) => heard.push(`${from.id} ${String(data)}`))
  expect(await peer.handle.signal('chat.wave', 1)).toMatchObject({ receivers: 1 })
  await peer.handle.signal('other', 5)
  await expect(part(shown, 'waves')).toHaveText('grace 1')
  await part(shown, 'factor').click()
  await shown.renders()
  await peer.handle.signal('chat.wave', 2)
  await expect(part(shown, 'waves')).toHaveText('grace 1,grace 20')
  // StrictMode renders twice, and nobody else does.
  expect(await shown.renders()).toMatchObject({ waves: 2, document: 0, page: 0, others: 0 })
  await part(shown, 'waves').click()
  await expect.poll(() => heard).toEqual(['ada 2'])
  // Hidden, it is not there; shown again, it hears once.
  await hide(shown, true)
  await hide(shown, false)
  await peer.handle.signal('chat.wave', 3)
  await expect(part(shown, 'waves')).toHaveText('grace 1,grace 20,grace 30')
  expect(shown.attached).toEqual([NAME])
  expect(shown.errors).toEqual([])
  await peer.leave()
})

test('one render for each change, and none for the changes of others', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, grace)
  const shown = await openReactPage(browser, { stage, served, strict: false })
  await isLive(shown)
  await expect(part(shown, 'count')).toHaveText('1')
  await shown.renders()
  const none = { document: 0, connection: 0, permission: 0, page: 0 }

  await test.step('a key of a map, that many times', async () => {
    for (let round = 1; round <= 10; round += 1) {
      peer.handle.doc.getMap('meta').set('title', `round ${round}`)
      await expect(shown.page.getByLabel('Title')).toHaveValue(`round ${round}`)
    }
    const renders = await shown.renders()
    expect(renders).toMatchObject({ ...none, map: 10, array: 0, text: 0, others: 0, self: 0 })
  })
  await test.step('a key that the selector does not take', async () => {
    peer.handle.doc.getMap('meta').set('other', 1)
    peer.handle.doc.getArray('tasks').push([{ title: 'a', done: false }])
    await expect(shown.page.getByRole('button', { name: 'Tasks: 1' })).toBeVisible()
    expect(await shown.renders()).toMatchObject({ ...none, map: 0, array: 1, text: 0, others: 0 })
  })
  await test.step('pointers of others', async () => {
    for (let round = 1; round <= 20; round += 1) peer.say({ cursor: { x: round / 20, y: 0.5 } })
    await expect(shown.page.locator('.weft-cursor')).toHaveCount(1)
    peer.say({ tool: 'brush' })
    await expect(part(shown, 'others')).toHaveText('brush')
    // Of the cursors one, for the arrow that is new.
    const renders = await shown.renders()
    expect(renders).toMatchObject({ ...none, map: 0, others: 1, count: 0, self: 0, cursors: 1 })
    expect(renders).toMatchObject({ avatars: 0 })
  })
  await test.step('the own presence', async () => {
    await part(shown, 'self').click()
    await expect(part(shown, 'self')).toHaveText('eraser/none')
    expect(await shown.renders()).toMatchObject({ ...none, self: 1, others: 0, count: 0, map: 0 })
  })
  await peer.leave()
})

test('Activity: hidden and shown again at once it is the same session; later a new one, and nothing is lost', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, grace)
  const shown = await openReactPage(browser, { stage, served })
  await isLive(shown)
  await hide(shown, true)
  await hide(shown, false)
  await isLive(shown)
  expect(shown.attached).toEqual([NAME])

  await test.step('an edit at the last moment arrives', async () => {
    await shown.page.evaluate(() => {
      document.querySelector<HTMLElement>('[data-testid=text]')?.click()
      weftPage.show({ isHidden: true })
    })
    await expect.poll(() => peer.handle.doc.getText('body').toJSON()).toBe('x')
    // Let go of: the others see this window leave.
    await expect.poll(() => peer.handle.awareness.getStates().size).toBe(1)
  })
  await test.step('shown again it is there, with all that was written meanwhile', async () => {
    peer.handle.doc.getText('body').insert(1, 'yz')
    await hide(shown, false)
    await isLive(shown)
    await expect(part(shown, 'text')).toHaveText('xyz')
    await part(shown, 'text').click()
    await expect.poll(() => peer.handle.doc.getText('body').toJSON()).toBe('xyzx')
    await expect(part(shown, 'self')).toHaveText('pen/none')
  })
  expect(shown.attached.filter(name => name === NAME)).toHaveLength(2)
  expect(peer.handle.awareness.getStates().size).toBe(2)
  // Without a document there was no need for one.
  expect(shown.sockets()).toBeLessThanOrEqual(2)
  expect(shown.errors).toEqual([])
  await peer.leave()
})

test('routes switched faster than anything can load: one session each, the last one live', async ({
  browser,
  stage,
}) => {
  const shown = await openReactPage(browser, { stage, served })
  await isLive(shown)
  for (let round = 0; round < 10; round += 1) {
    for (const name of ['react/a', 'react/b', NAME]) await goTo(shown, name)
  }
  await isLive(shown)
  expect(shown.attached.filter(name => name === NAME)).toHaveLength(1)
  for (const name of ['react/a', 'react/b']) {
    expect(shown.attached.filter(sent => sent === name).length).toBeLessThanOrEqual(1)
  }
  expect(shown.sockets()).toBe(1)
  await shown.page.evaluate(() => weftPage.show({ isMounted: false }))
  const peer = await joinAs(stage, grace)
  await expect.poll(() => peer.handle.awareness.getStates().size).toBe(1)
  expect(shown.errors).toEqual([])
  await peer.leave()
})

test('suspense: nothing before there is something to show, with and without a provider', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, grace)
  peer.handle.doc.getText('body').insert(0, 'woven')
  await peer.handle.whenSaved()
  const shown = await openReactPage(browser, { stage, served, scene: 'suspense' })
  await expect(part(shown, 'ready')).toHaveText('live: woven')
  await part(shown, 'ready').click()
  await expect.poll(() => peer.handle.doc.getText('body').toJSON()).toBe('ywoven')
  expect(shown.attached).toEqual([NAME])
  const alone = await openReactPage(browser, { stage, served, scene: 'alone', user: 'joan' })
  await expect(part(alone, 'alone')).toHaveText('ywoven')
  expect(alone.attached).toEqual([NAME])
  expect([...shown.errors, ...alone.errors]).toEqual([])
  await peer.leave()
})

test('a refusal is shown, and left when access is given', async ({ browser, stage }) => {
  const owner = await joinAs(stage, grace)
  for (const scene of ['', 'suspense']) {
    const user = `guest-${scene}`
    const shown = await openReactPage(browser, {
      stage,
      served,
      scene,
      user,
      order: { grants: [] },
    })
    const alert = shown.page.getByRole('alert')
    await expect(alert).toBeVisible()
    await alert.getByRole('button', { name: 'Try again' }).click()
    await expect(alert).toBeVisible()
    await owner.client.access.grant({ resource: NAME, role: 'editor', subject: `user:${user}` })
    await alert.getByRole('button', { name: 'Try again' }).click()
    await expect(alert).toHaveCount(0)
    await expect(part(shown, scene === '' ? 'permission' : 'ready')).toBeVisible()
  }
  await owner.leave()
})
