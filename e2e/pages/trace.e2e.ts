/** Real editing in two Chromium windows, the server killed on the way. */
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { build, type Rolldown } from 'vite'
import { expect, test } from '../support/fixtures.ts'
import { replay } from '../support/replay-trace.ts'
import { testToken } from '../support/server-process.ts'
import type { Author } from '../support/trace-author.ts'
import { loadConcurrent } from '../support/traces.ts'

async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('../support/browser-author.ts', import.meta.url))
  const built = (await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ['iife'], name: 'authors', fileName: 'author' },
    },
  })) as Rolldown.RolldownOutput[]
  return built[0]?.output[0].code ?? ''
}

/** The author of a page, for the driver. */
function authorOf(page: Page): Author {
  return {
    see: (otherId, clock) => page.evaluate(args => author.see(...args), [otherId, clock] as const),
    type: transactions => page.evaluate(given => author.type(given), transactions),
    goOffline: () => page.evaluate(() => author.goOffline()),
    goOnline: () => page.evaluate(() => author.goOnline()),
    recover: (otherId, clock) =>
      page.evaluate(args => author.recover(...args), [otherId, clock] as const),
    whenSaved: () => page.evaluate(() => author.whenSaved()),
    text: () => page.evaluate(() => author.text()),
  }
}

test('two authors in two windows type a recorded text', async ({ browser, stage }) => {
  // A slow machine types slowly.
  test.setTimeout(300_000)
  const { trace, origin } = loadConcurrent('friendsforever')
  const script = await bundle()
  const pages = await Promise.all(
    [1, 2].map(async clientId => {
      // Any page of the server will do: the sdk brings everything else, past the policy of its pages.
      const page = await (await browser.newContext({ bypassCSP: true })).newPage()
      await page.goto(`${stage.network.url}/livez`)
      await page.addScriptTag({ content: script })
      const token = await testToken(`author-${clientId}`)
      const options = { url: stage.network.url, token, document: 'traces/friends', clientId }
      await page.evaluate(given => createAuthor(given), options)
      return page
    }),
  )
  const [first, second] = pages.map(authorOf)
  if (first === undefined || second === undefined) throw new Error('two authors are needed')
  const report = await replay({
    trace,
    authors: [first, second],
    clientIds: [1, 2],
    offlineParts: 10,
    kills: 2,
    killServer: () => stage.restart(),
  })
  process.stdout.write(`${origin}, in two windows: ${JSON.stringify(report)}\n`)
  for (const one of [first, second]) {
    await one.whenSaved()
    await expect.poll(() => one.text()).toBe(trace.endContent)
  }
  await Promise.all(pages.map(page => page.context().close()))
})
