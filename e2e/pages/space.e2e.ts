/** A space as its people see it: boards, code, who is here doing what, and an agent that joins. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, newPage, test, type Person } from '../support/fixtures.ts'
import { projectRoot } from '../support/server-process.ts'

const folder = process.env['UPDATE_PICTURES'] === '1' ? 'e2e/pictures' : 'test-results'
const picture = (page: Page, name: string) => page.screenshot({ path: `${folder}/${name}.png` })
const here = ({ page }: Person) => page.getByRole('region', { name: 'Here now' })
const shapes = ({ page }: Person) => page.locator('.shape')
const note = ({ page }: Person, text: string) =>
  page.getByRole('button', { name: new RegExp(`^Note, “${text}`) })
const title = ({ page }: Person) => page.getByLabel('Page title')

/** In light and in dark: Ada has the one, Grace the other. */
async function findNothing(people: readonly Person[]): Promise<void> {
  for (const { page } of people) {
    // What is still moving in has no colours to judge.
    // oxlint-disable-next-line no-await-in-loop
    await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
    // oxlint-disable-next-line no-await-in-loop
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  }
}

const placeOf = async (person: Person, text: string) => {
  const box = await note(person, text).boundingBox()
  if (box === null) throw new Error(`no note says ${text}`)
  return box
}

test('a board: two people draw, see each other, and take back their own', async ({ enter }) => {
  const ada = await enter({ name: 'Ada Byron' })
  const grace = await enter({ name: 'Grace Hopper', scheme: 'dark' })

  await test.step('the menu of kinds is worked by keyboard', async () => {
    await ada.page.getByRole('button', { name: 'New page' }).focus()
    await ada.page.keyboard.press('Enter')
    await expect(ada.page.getByRole('menuitem', { name: /^Text/ })).toBeFocused()
    await findNothing([ada])
    await ada.page.keyboard.press('ArrowUp')
    await expect(ada.page.getByRole('menuitem', { name: /^Code/ })).toBeFocused()
    await ada.page.keyboard.press('Escape')
    await expect(ada.page.getByRole('button', { name: 'New page' })).toBeFocused()
    await ada.page.keyboard.press('ArrowDown')
    await ada.page.keyboard.press('ArrowDown')
    await ada.page.keyboard.press('Enter')
    await title(ada).fill('Sketches')
  })
  await grace.page.getByRole('link', { name: 'Sketches', exact: true }).click()

  await test.step('the board is worked by keyboard alone', async () => {
    await ada.page.getByRole('button', { name: 'Add a note' }).focus()
    await ada.page.keyboard.press('Enter')
    await ada.page.keyboard.type('What the loom needs')
    await ada.page.keyboard.press('Enter')
    const made = note(ada, 'What the loom needs')
    await expect(made).toBeFocused()
    const before = await placeOf(ada, 'What the loom needs')
    for (let i = 0; i < 5; i++) await ada.page.keyboard.press('Shift+ArrowLeft')
    await ada.page.keyboard.press('ArrowUp')
    await expect
      .poll(async () => (await placeOf(ada, 'What the loom needs')).x)
      .toBe(before.x - 200)
    expect((await placeOf(ada, 'What the loom needs')).y).toBe(before.y - 8)
    await ada.page.keyboard.press('Enter')
    await ada.page.keyboard.press('End')
    await ada.page.keyboard.type(' first')
    await ada.page.keyboard.press('Enter')
    await ada.page.getByRole('button', { name: 'Add a rectangle' }).press('Enter')
    await expect(ada.page.getByRole('button', { name: /^Rectangle/ })).toBeFocused()
    await ada.page.keyboard.press('Delete')
    await expect(shapes(ada)).toHaveCount(1)
    await expect(note(ada, 'What the loom needs first')).toBeFocused()
    await ada.page.keyboard.press('Control+z')
    await expect(shapes(ada)).toHaveCount(2)
    await ada.page.keyboard.press('Control+z')
    await expect(shapes(ada)).toHaveCount(1)
  })

  let startX = 0
  await test.step('a drag is seen by the other while it goes on', async () => {
    await expect(shapes(grace)).toHaveCount(1)
    await grace.page.getByRole('button', { name: 'blue' }).click()
    await grace.page.getByRole('button', { name: 'Add a note' }).click()
    await grace.page.keyboard.type('Cards with holes')
    await grace.page.keyboard.press('Enter')
    await expect(note(ada, 'Cards with holes')).toBeVisible()
    const from = await placeOf(grace, 'Cards with holes')
    const seenFrom = await placeOf(ada, 'Cards with holes')
    startX = seenFrom.x
    await grace.page.mouse.move(from.x + 20, from.y + 100)
    await grace.page.mouse.down()
    await grace.page.mouse.move(from.x + 100, from.y + 150, { steps: 4 })
    await expect.poll(async () => (await placeOf(ada, 'Cards with holes')).x).toBe(seenFrom.x + 80)
    await grace.page.mouse.move(from.x + 180, from.y + 160, { steps: 4 })
    await grace.page.mouse.up()
    await expect.poll(async () => (await placeOf(ada, 'Cards with holes')).x).toBe(seenFrom.x + 160)
    // What she has marked, and where she points to.
    await expect(note(ada, 'Cards with holes')).toHaveAccessibleName(/marked by Grace Hopper$/)
    await expect(ada.page.locator('.weft-cursor')).toHaveCSS('opacity', '1')
    await expect(ada.page.locator('.weft-cursor')).toContainText('Grace Hopper')
    await note(ada, 'What the loom needs').focus()
    await expect(here(ada)).toContainText('drawing on Sketches')
    await picture(ada.page, 'board-light')
    await picture(grace.page, 'board-dark')
    await findNothing([ada, grace])
  })

  await test.step('undo takes the whole drag back, and nothing of the other', async () => {
    await grace.page.keyboard.press('Control+z')
    await expect.poll(async () => (await placeOf(ada, 'Cards with holes')).x).toBe(startX)
    await expect(shapes(ada)).toHaveCount(2)
    await grace.page.keyboard.press('Control+y')
  })

  await test.step('offline it goes on, and comes together again', async () => {
    await ada.page.getByRole('button', { name: 'Go offline' }).click()
    await ada.page.getByRole('button', { name: 'Add an ellipse' }).click()
    await expect(ada.page.locator('.badge')).toHaveText('Offline, 1 change kept on this device')
    await expect(shapes(grace)).toHaveCount(2)
    await ada.page.getByRole('button', { name: 'Reconnect' }).click()
    await expect(shapes(grace)).toHaveCount(3)
    await expect(ada.page.locator('.badge')).toHaveText('Saved')
    await ada.page.getByRole('button', { name: 'Undo' }).click()
    await expect(shapes(grace)).toHaveCount(2)
  })

  await test.step('a reader looks on, and can change nothing', async () => {
    const share = ada.page.url().replace('/#/', '/?guest=1#/')
    const bob = await enter({
      name: 'Bob Martin',
      as: 'guest',
      path: share.slice(new URL(share).origin.length),
    })
    const id = await bob.page.locator('.own-id code').innerText()
    await ada.page.getByRole('button', { name: /^Share/ }).click()
    await ada.page.getByLabel('Id of a person or group').fill(id)
    await ada.page.getByRole('button', { name: 'Add', exact: true }).click()
    await expect(bob.page.getByRole('img', { name: /^Note, “What/ })).toBeVisible()
    await expect(bob.page.getByRole('toolbar')).toHaveCount(0)
    await bob.page.getByRole('img', { name: /^Note, “What/ }).focus()
    await bob.page.keyboard.press('Delete')
    await bob.page.keyboard.press('ArrowLeft')
    await expect(shapes(bob)).toHaveCount(2)
    await ada.page.keyboard.press('Escape')
  })

  await grace.page.close()
  await expect(ada.page.locator('.weft-cursor')).toHaveCount(0)
  await expect(note(ada, 'Cards with holes')).toHaveAccessibleName(/^((?!marked by).)*$/)
  expect(ada.errors).toEqual([])
})

test('code beside text; who is where, busy, away and hidden', async ({ enter }) => {
  // A clock that the test can move on.
  const ada = await enter({ name: 'Ada Byron', prepare: context => context.clock.install() })
  const grace = await enter({ name: 'Grace Hopper', scheme: 'dark' })
  await expect(here(ada)).toContainText('on Getting started')

  await test.step('a page of code, with the other’s caret and language', async () => {
    await newPage(ada, 'Code')
    await title(ada).fill('engine.ts')
    await ada.page.getByLabel('Language').selectOption('javascript')
    const code = ada.page.getByLabel('Page code')
    await code.click()
    await ada.page.keyboard.type(
      '// The analytical engine\nconst cards = [1, 2, 3]\n// TODO weave\n',
    )
    // Somebody else's page says what she does; a click goes there.
    await expect(here(grace)).toContainText('coding in engine.ts')
    await here(grace)
      .getByRole('link', { name: /Ada Byron/ })
      .click()
    await expect(title(grace)).toHaveValue('engine.ts')
    await expect(grace.page.getByLabel('Language')).toHaveValue('javascript')
    await expect(grace.page.getByLabel('Page code')).toContainText('const cards')
    await expect(grace.page.locator('.cm-ySelectionInfo')).toHaveText('Ada Byron')
    await grace.page.getByLabel('Page code').click()
    await grace.page.keyboard.press('Control+End')
    await grace.page.keyboard.type('export const loom = cards')
    await expect(code).toContainText('export const loom')
    // One's own is taken back, and what the other wrote stays.
    await ada.page.keyboard.press('Control+z')
    await expect(code).toContainText('export const loom')
    await expect(code).not.toContainText('analytical')
    await ada.page.keyboard.press('Control+y')
    await expect(code).toContainText('analytical')
    await expect(grace.page.locator('.badge')).toHaveText('Saved')
    // The keyboard is not caught in it.
    await ada.page.keyboard.press('Tab')
    await expect(code).not.toBeFocused()
    await picture(ada.page, 'code-light')
    await picture(grace.page, 'code-dark')
    await findNothing([ada, grace])
  })

  await test.step('busy is chosen at one’s own name, and seen by the others', async () => {
    await grace.page.getByRole('button', { name: /^Grace Hopper.*online/ }).press('Enter')
    await grace.page.keyboard.press('ArrowDown')
    await findNothing([grace])
    await picture(grace.page, 'status-dark')
    await grace.page.keyboard.press('Enter')
    await expect(here(ada)).toContainText(', busy')
    await expect(
      ada.page.getByRole('img', { name: /^Grace Hopper, busy/ }).first(),
    ).toHaveAttribute('data-status', 'busy')
  })

  await test.step('a phone has the same menu, and the way out', async () => {
    await ada.page.setViewportSize({ width: 390, height: 800 })
    await ada.page.getByRole('button', { name: 'Sign out' }).click()
    await ada.page.keyboard.press('Escape')
    await ada.page.getByRole('button', { name: /change status$/ }).click()
    await expect(ada.page.getByRole('menuitemradio', { name: /^Online/ })).toBeChecked()
    await findNothing([ada])
    await ada.page.keyboard.press('Escape')
    await ada.page.setViewportSize({ width: 1180, height: 760 })
  })

  await test.step('hidden, she is on no list; a reload does not show her', async () => {
    await grace.page.getByRole('button', { name: /^Grace Hopper.*busy/ }).click()
    await grace.page.getByRole('menuitemradio', { name: /^Hidden/ }).click()
    await expect(here(ada)).toHaveCount(0)
    await grace.page.reload()
    await grace.page.getByRole('button', { name: /^Grace Hopper.*hidden/ }).click()
    await grace.page.getByRole('menuitemradio', { name: /^Online/ }).click()
    await expect(here(ada)).toContainText('Grace Hopper')
  })

  await test.step('away after five minutes without a sign, and back at the first one', async () => {
    await ada.page.clock.fastForward('05:01')
    await expect(here(grace)).toContainText('away')
    await expect(grace.page.getByRole('img', { name: /^Ada Byron, away/ }).first()).toBeVisible()
    await ada.page.mouse.move(500, 300)
    await expect(here(grace)).toContainText('on engine.ts')
  })
  expect([...ada.errors, ...grace.errors]).toEqual([])
})

test('an agent joins, is seen as one, writes, leaves, and is taken back', async ({
  enter,
  stage,
}) => {
  const ada = await enter({ name: 'Ada Byron' })
  const grace = await enter({ name: 'Grace Hopper', scheme: 'dark' })
  const text = ada.page.getByLabel('Page text')
  await text.click()
  await ada.page.keyboard.type('## Looms\nThey weave flowers and leaves. ', { delay: 1 })
  await ada.page.keyboard.type('[ ] Buy cards', { delay: 1 })

  await test.step('asked, it comes with a face, a caret and a badge', async () => {
    await ada.page.getByRole('button', { name: 'Ask the assistant: Summarize' }).click()
    await expect(here(grace)).toContainText('Assistant')
    await expect(here(grace)).toContainText('agent')
    await expect(here(grace)).toContainText('writing on Getting started')
    const carets = grace.page.locator('.collaboration-carets__label', { hasText: 'Assistant' })
    await expect(carets).toBeVisible()
    await expect(
      grace.page
        .getByLabel('People on this page')
        .getByRole('img', { name: /^Assistant, agent, busy/ }),
    ).toBeVisible()
    await picture(ada.page, 'agent-light')
    await picture(grace.page, 'agent-dark')
    await findNothing([ada, grace])
  })

  await test.step('it writes what it counted, and leaves', async () => {
    await expect(grace.page.getByLabel('Page text')).toContainText('Summary by the assistant')
    await expect(grace.page.getByLabel('Page text')).toContainText('1 heading: Looms')
    await expect(ada.page.getByRole('region', { name: 'Assistant' })).toContainText('has written')
    await expect(here(grace)).not.toContainText('Assistant')
    await grace.page.getByLabel('Page text').click()
    await grace.page.keyboard.press('Control+Home')
    await grace.page.keyboard.type('Great ')
    await findNothing([ada])
  })

  await test.step('undo takes back what it wrote, and nothing else', async () => {
    await ada.page.getByRole('button', { name: 'Undo' }).click()
    await expect(grace.page.getByLabel('Page text')).not.toContainText('Summary')
    await expect(text).toContainText('Great')
    await expect(text).toContainText('Looms')
    await expect(ada.page.getByRole('region', { name: 'Assistant' })).toHaveCount(0)
  })

  await test.step('as a program in Node it does the same', async () => {
    const script = 'client/demo/agent/main.ts'
    const program = spawn(process.execPath, [script, '--url', stage.network.url], {
      cwd: projectRoot,
    })
    let said = ''
    program.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    program.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = once(program, 'exit')
    await expect(here(ada)).toContainText('writing on Getting started')
    const [code] = (await ended) as [number]
    expect([code, said]).toEqual([0, expect.stringContaining('done: getting-started')])
    await expect(text).toContainText('Summary by the assistant')
  })
  expect([...ada.errors, ...grace.errors]).toEqual([])
})
