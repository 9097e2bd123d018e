/** What every page test has: a real server, the network to it, and people with windows. */
import { test as base, type Browser, type BrowserContext, type Page } from '@playwright/test'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { createNetwork, type Network } from './network.ts'
import { ServerProcess } from './server-process.ts'

export type Stage = {
  readonly network: Network
  readonly dataDir: string
  readonly server: ServerProcess
  /** Kills the server, and starts another one on the same folder and port. */
  restart(): Promise<void>
  killServer(): Promise<void>
  startServer(): Promise<void>
}

export type Person = {
  readonly page: Page
  /** Errors that the page wrote to its console. */
  readonly errors: string[]
}

export type PersonOptions = {
  readonly name: string
  /** A guest comes by a link, and has nothing but what others grant. */
  readonly as?: 'member' | 'guest'
  /** What a guest sees first; asking for access, unless said otherwise. */
  readonly opens?: 'notice' | 'page'
  /** Another way to the server than everybody's. */
  readonly network?: Network
  readonly scheme?: 'light' | 'dark'
  readonly path?: string
  /** Done to the browser before the first page. */
  readonly prepare?: (context: BrowserContext) => Promise<unknown>
}

type Options = {
  /** Another entry than the server's own, see `support/clock-server.ts`. */
  serverScript: string | undefined
}

type Fixtures = {
  stage: Stage
  /** Somebody with a browser of their own, who has entered the workspace. */
  enter: (options: PersonOptions) => Promise<Person>
}

export const test = base.extend<Fixtures & Options>({
  serverScript: [undefined, { option: true }],

  stage: async ({ serverScript }, use) => {
    const script = serverScript === undefined ? {} : { script: serverScript }
    const folder = temporaryFolder()
    const dataDir = folder.path
    let server = await ServerProcess.start({ dataDir, ...script })
    const { port } = server
    const network = await createNetwork(() => port)
    const startServer = async () => {
      server = await ServerProcess.start({ dataDir, port, ...script })
    }
    await use({
      network,
      dataDir,
      get server() {
        return server
      },
      startServer,
      killServer: async () => void (await server.kill()),
      restart: async () => {
        await server.kill()
        await startServer()
      },
    })
    await network.close()
    await server.kill()
    folder.remove()
  },

  enter: async ({ browser, stage }, use) => {
    const people: Person[] = []
    await use(async options => {
      const person = await enterWorkspace(browser, stage.network.url, options)
      people.push(person)
      return person
    })
    await Promise.all(people.map(({ page }) => page.context().close()))
  },
})

async function enterWorkspace(
  browser: Browser,
  url: string,
  options: PersonOptions,
): Promise<Person> {
  const { name, as = 'member', opens, network, scheme = 'light', path = '/', prepare } = options
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width: 1180, height: 760 },
  })
  await prepare?.(context)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(`${network?.url ?? url}${path}`)
  await page.getByLabel('Your name').fill(name)
  const verb = as === 'guest' ? 'Go to the page' : 'Enter the workspace'
  await page.getByRole('button', { name: verb }).click()
  const isShut = as === 'guest' && opens !== 'page'
  await (isShut ? page.getByRole('heading', { level: 1 }) : page.getByLabel('Page text')).waitFor()
  return { page, errors }
}

/** Makes a page, and goes there. */
export async function newPage(
  { page }: Pick<Person, 'page'>,
  kind: 'Text' | 'Board' | 'Code' = 'Text',
): Promise<void> {
  await page.getByRole('button', { name: 'New page' }).click()
  await page.getByRole('menuitem', { name: new RegExp(`^${kind}`) }).click()
}

export { expect } from '@playwright/test'
