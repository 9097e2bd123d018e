/** The components of `weft/react`: how they look, sound and move. */
import AxeBuilder from '@axe-core/playwright'
import { expect, test } from '../support/fixtures.ts'
import { joinAs, openReactPage, type Peer, type ReactPage } from '../support/react-stage.ts'
import { servePage, type ServedPage } from '../support/served-page.ts'

const MEASURED_MS = 4_000

const crew = [
  { id: 'bob', name: 'Bob Martin', color: '#c2410c', status: 'away' },
  { id: 'cleo', name: 'Cleo', color: '#facc15', status: 'busy', activity: { kind: 'in a call' } },
  { id: 'dan', name: 'Dan Eriksson', color: '#047857', status: 'offline' },
  { id: 'eve', name: 'Eve <b>Adams</b>', color: '#6d28d9', typing: true },
  { id: 'fay', name: 'Fay Wong', color: '#be185d', typing: true },
  { id: 'gus', name: 'Gus', color: '#1d4ed8' },
  { id: 'hal', name: 'Hal', color: '#0e7490' },
] as const

let served: ServedPage
test.beforeAll(async () => {
  served = await servePage('react')
})
test.afterAll(() => served.close())

const avatars = ({ page }: ReactPage) => page.getByRole('list', { name: 'People here' })
const cursors = ({ page }: ReactPage) => page.locator('.weft-cursor')

async function findsNothing({ page }: ReactPage): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
}

for (const scheme of ['light', 'dark'] as const) {
  test(`faces, cursors and words, ${scheme}: looked at, read out, reached by keyboard`, async ({
    browser,
    stage,
  }) => {
    const peers: Peer[] = []
    for (const { id, name, color, ...presence } of crew) {
      const peer = await joinAs(stage, { id, name, color })
      peer.say(presence)
      peers.push(peer)
    }
    const shown = await openReactPage(browser, { stage, served, scheme })
    const { page } = shown
    // Ada herself says no name: where the server says it for her she is the first.
    const faces = avatars(shown).getByRole('img')
    await expect(faces).toHaveCount(6)
    await expect(faces.last()).toHaveText(/^\+[23]/)
    await expect(faces.filter({ hasText: 'BM' })).toHaveAttribute('data-status', 'away')
    await expect(
      page.getByRole('img', { name: 'Cleo, busy, in a call', exact: true }),
    ).toHaveAttribute('data-status', 'busy')
    await expect(page.getByRole('img', { name: 'Eve <b>Adams</b>, online' })).toBeVisible()
    await expect(page.getByText('Eve <b>Adams</b> and Fay Wong are typing…')).toBeVisible()
    peers.forEach((peer, index) =>
      peer.say({ cursor: { x: 0.08 + index * 0.12, y: 0.2 + (index % 3) * 0.25 } }),
    )
    await expect(cursors(shown)).toHaveCount(crew.length)
    for (const cursor of await cursors(shown).all()) await expect(cursor).toHaveCSS('opacity', '1')
    await findsNothing(shown)
    await page.keyboard.press('Tab')
    await expect(faces.first()).toBeFocused()
    await page.keyboard.press('Tab')
    await expect(faces.nth(1)).toBeFocused()
    await expect(faces.nth(1).locator('.weft-tip')).toBeVisible()
    await page.screenshot({ path: `test-results/react-${scheme}.png` })
    expect(shown.errors).toEqual([])
    await Promise.all(peers.map(peer => peer.leave()))
    await expect(cursors(shown)).toHaveCount(0)
  })
}

test('colours are those of what stands around, and of the page that says which it is', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, crew[0])
  const { page } = await openReactPage(browser, { stage, served, scheme: 'dark' })
  const dot = page.locator('.weft-connection > :first-child')
  const ground = page.locator('.weft-connection')
  await expect(ground).toHaveCSS('background-color', 'rgb(26, 27, 32)')
  await page.evaluate(() => (document.documentElement.dataset['weftTheme'] = 'light'))
  await expect(ground).toHaveCSS('background-color', 'rgb(255, 255, 255)')
  await page.evaluate(() => document.body.style.setProperty('--weft-online', 'rgb(1, 2, 3)'))
  await expect(dot).toHaveCSS('background-color', 'rgb(1, 2, 3)')
  await page.emulateMedia({ colorScheme: 'light' })
  await page.evaluate(() => (document.documentElement.dataset['weftTheme'] = 'dark'))
  await expect(ground).toHaveCSS('background-color', 'rgb(26, 27, 32)')
  await peer.leave()
})

test('a pointer is told, followed smoothly, and gone after five seconds of rest', async ({
  browser,
  stage,
}) => {
  const peer = await joinAs(stage, crew[0])
  const shown = await openReactPage(browser, { stage, served })
  const board = shown.page.locator('.board')
  await expect(shown.page.getByTestId('permission')).toHaveText('write/writes')
  const box = await board.boundingBox()
  if (box === null) throw new Error('there is no board')

  await test.step('the own one is told as shares of the area, and taken back', async () => {
    await shown.page.mouse.move(box.x + box.width / 2, box.y + box.height / 4)
    await expect.poll(() => peer.told('cursor')).toContainEqual({ x: 0.5, y: 0.25 })
    await shown.page.mouse.move(box.x + 10, box.y - 60)
    await expect.poll(() => peer.told('cursor')).toContainEqual(null)
  })
  peer.say({ cursor: { x: 0.1, y: 0.1 } })
  const cursor = cursors(shown)
  await expect(cursor).toHaveCSS('opacity', '1')
  await expect(cursor).toContainText('Bob Martin')
  await test.step('it passes between two places', async () => {
    const seen = shown.page.evaluate(
      () =>
        new Promise<number[]>(resolve => {
          const places: number[] = []
          const look = () => {
            const element = document.querySelector('.weft-cursor')
            places.push(element?.getBoundingClientRect().x ?? 0)
            const isMoved = (places.at(-1) ?? 0) - (places[0] ?? 0) > 880
            if (isMoved || places.length > 600) resolve(places)
            else requestAnimationFrame(look)
          }
          look()
        }),
    )
    peer.say({ cursor: { x: 0.9, y: 0.1 } })
    const places = new Set(await seen)
    expect(places.size).toBeGreaterThan(4)
  })
  const rested = Date.now()
  await expect(cursor).toHaveCSS('opacity', '0', { timeout: 8_000 })
  expect(Date.now() - rested).toBeGreaterThan(3_500)
  peer.say({ cursor: { x: 0.5, y: 0.5 } })
  await expect(cursor).toHaveCSS('opacity', '1')
  await test.step('what is no place is not shown, and stops nobody', async () => {
    for (const wrong of [{ x: 9, y: 1 }, { x: 'a' }, [], 'left', { anchor: null }, null]) {
      peer.say({ cursor: wrong })
    }
    await expect(cursor).toHaveCount(0)
    expect(shown.errors).toEqual([])
  })
  await peer.leave()
})

const crowds = [
  { people: 50, moving: 50 },
  { people: 1_500, moving: 20 },
]

for (const { people, moving } of crowds) {
  test(`${people} present, ${moving} of them move: there is room for 60 frames a second`, async ({
    browser,
    stage,
  }) => {
    await measureCrowd(await openReactPage(browser, { stage, served, strict: false }), {
      people,
      moving,
    })
  })
}

type Crowd = { readonly people: number; readonly moving: number }

async function measureCrowd(shown: ReactPage, crowd: Crowd): Promise<void> {
  await expect(shown.page.getByTestId('permission')).toHaveText('write/writes')
  const order = { ...crowd, measuredMs: MEASURED_MS }
  // The states are given to the awareness as the sdk does it: the page is measured, not the machine's
  // fifty other browsers.
  const devtools = await shown.page.context().newCDPSession(shown.page)
  // Of the processor, not of the wall: others run on this machine too.
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const workedMs = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN) * 1_000
  }
  const before = await workedMs()
  const measured = await shown.page.evaluate(async ({ people, moving, measuredMs }) => {
    const { awareness } = weftPage.client.open('react/board')
    const user = (id: number) => ({ id: `u${id}`, name: `Person ${id}`, color: '#1d4ed8' })
    for (let id = moving + 1; id <= people; id++) awareness.states.set(id, { user: user(id) })
    const move = (round: number) => {
      const ids = Array.from({ length: moving }, (_, index) => index + 1)
      for (const id of ids) {
        const turn = round / 12 + id
        const cursor = { x: 0.5 + Math.sin(turn) * 0.4, y: 0.5 + Math.cos(turn * 1.3) * 0.4 }
        awareness.states.set(id, { user: user(id), cursor })
      }
      const changes = { added: [], updated: ids, removed: [] }
      awareness.emit('change', [changes, 'test'])
    }
    move(0)
    // Those who are shown for the first time are mounted before it counts.
    await new Promise(resolve => setTimeout(resolve, 500))
    const rendersBefore = { ...weftPage.renders }
    let round = 0
    const told = setInterval(() => move((round += 1)), 40)
    const frames: number[] = []
    const started = performance.now()
    await new Promise<void>(resolve => {
      const frame = (now: number) => {
        frames.push(now)
        if (now - started < measuredMs) requestAnimationFrame(frame)
        else resolve()
      }
      requestAnimationFrame(frame)
    })
    clearInterval(told)
    const gaps = frames.slice(1).map((now, index) => now - (frames[index] ?? now))
    const [from = 0, to = 0] = [frames[0], frames.at(-1)]
    return {
      rounds: round,
      frames: frames.length,
      perSecond: ((frames.length - 1) * 1000) / (to - from),
      slow: gaps.filter(gap => gap > 25).length,
      longestMs: Math.max(...gaps),
      shown: document.querySelectorAll('.weft-cursor').length,
      pageRenders: (weftPage.renders['page'] ?? 0) - (rendersBefore['page'] ?? 0),
    }
  }, order)
  const perFrameMs = ((await workedMs()) - before) / measured.frames
  process.stdout.write(`${crowd.people} present: ${JSON.stringify({ ...measured, perFrameMs })}\n`)
  expect(measured.shown).toBe(crowd.moving)
  expect(measured.pageRenders).toBe(0)
  // Half of what a frame has at 60 a second.
  expect(perFrameMs).toBeLessThan(8.3)
  expect(measured.perSecond).toBeGreaterThan(30)
}
