/** What the tests of `weft/react` have: a page, what it sends, and others on the same document. */
import type { Browser, Page } from '@playwright/test'
import * as decoding from 'lib0/decoding'
import { WebSocket } from 'ws'
import { createClient, type DocumentHandle, type WeftClient } from '../../client/sdk/index.ts'
import type { TokenOrder } from '../../server/access/token-mint.ts'
import type { Stage } from './fixtures.ts'
import { testToken } from './server-process.ts'
import type { ServedPage } from './served-page.ts'

const AUTH = 2
const CLOSE = 7

export type ReactPage = {
  readonly page: Page
  /** Names of documents, one for each time that the page asked to be let in. */
  readonly attached: string[]
  readonly sockets: () => number
  readonly errors: string[]
  /** What the page did to React's renders since the last call. */
  readonly renders: () => Promise<Record<string, number>>
}

export type ReactPageOptions = {
  readonly stage: Stage
  readonly served: ServedPage
  readonly name?: string
  readonly scene?: string
  readonly strict?: boolean
  readonly user?: string
  readonly order?: Partial<TokenOrder>
  readonly scheme?: 'light' | 'dark'
}

export async function openReactPage(
  browser: Browser,
  options: ReactPageOptions,
): Promise<ReactPage> {
  const { stage, served, name = 'react/board', user = 'ada', scheme = 'light' } = options
  const context = await browser.newContext({ colorScheme: scheme })
  const page = await context.newPage()
  const attached: string[] = []
  const errors: string[] = []
  let sockets = 0
  page.on('pageerror', error => errors.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('websocket', socket => {
    sockets += 1
    socket.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string') readAttachment(payload, attached)
    })
  })
  const query = new URLSearchParams({
    url: stage.network.url,
    token: await testToken(user, { name: 'Ada Byron', ...options.order }),
    name,
    user,
    scene: options.scene ?? '',
    strict: options.strict === false ? '0' : '1',
  })
  await page.goto(`${served.url}?${query.toString()}`)
  let before: Record<string, number> = {}
  return {
    page,
    attached,
    errors,
    sockets: () => sockets,
    async renders() {
      const now = await page.evaluate(() => ({ ...weftPage.renders }))
      const since = Object.entries(now).map(([part, count]) => [part, count - (before[part] ?? 0)])
      before = now
      return Object.fromEntries(since) as Record<string, number>
    },
  }
}

function readAttachment(payload: Buffer, attached: string[]): void {
  const decoder = decoding.createDecoder(payload)
  try {
    const name = decoding.readVarString(decoder)
    const type = decoding.readVarUint(decoder)
    if (type === AUTH) attached.push(name)
    if (type === CLOSE) attached.push(`${name} left`)
  } catch {
    // A ping: no document, no type.
  }
}

export type Peer = {
  readonly client: WeftClient
  readonly handle: DocumentHandle
  readonly say: (fields: Readonly<Record<string, unknown>>) => void
  /** What everybody here tells under this name, oneself too. */
  readonly told: (field: string) => readonly unknown[]
  readonly leave: () => Promise<void>
}

/** Somebody else, in this process. */
export async function joinAs(
  stage: Stage,
  person: { readonly id: string; readonly name: string; readonly color: string },
  name = 'react/board',
): Promise<Peer> {
  const client = createClient({
    url: stage.network.url,
    token: await testToken(person.id, { name: person.name }),
    WebSocket,
    offline: 'memory',
  })
  const handle = client.open(name)
  handle.awareness.setLocalState({ user: { ...person, kind: 'user' } })
  await handle.whenSynced()
  return {
    client,
    handle,
    say: fields =>
      handle.awareness.setLocalState({ ...handle.awareness.getLocalState(), ...fields }),
    told: field =>
      Array.from(
        handle.awareness.getStates().values(),
        (state: Readonly<Record<string, unknown>>) => state[field],
      ),
    leave: () => client.close(),
  }
}

type PageStage = {
  readonly renders: Record<string, number>
  readonly client: WeftClient
  show(change: object): void
  renderAgain(): void
}

declare global {
  /** Of the page, see `e2e/react/main.tsx`. */
  const weftPage: PageStage
}
