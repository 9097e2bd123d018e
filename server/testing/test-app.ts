/** A whole server inside the test's process, on a free port and a folder of its own. */
import { systemClock } from '../../shared/clock.ts'
import type { Grant } from '../../shared/permissions.ts'
import { createTokenMint, type TokenOrder } from '../access/token-mint.ts'
import { startApp, type App, type AppParts } from '../app.ts'
import { createLog, silentLog, type Logger } from '../base/log.ts'
import { readConfig } from '../config.ts'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'

export const testSecret = 'a secret of tests, at least 32 long'

export type TestApp = {
  readonly app: App
  readonly url: string
  /** `ws://.../sync` */
  readonly syncUrl: string
  /** `ws://.../y` */
  readonly yUrl: string
  readonly dataDir: string
  token(sub: string, order?: Partial<TokenOrder>): Promise<string>
  /** A REST request with a token of `sub`, owner of everything unless said otherwise. */
  fetch(path: string, options?: RequestInit & { sub?: string; grants?: Grant[] }): Promise<Response>
  /** The value of a metric, all labels together. */
  metric(name: string): Promise<number>
  stop(): Promise<readonly string[]>
}

export type TestAppOptions = {
  readonly settings?: Readonly<Record<string, string>>
  readonly parts?: AppParts
  /** Instead of none. */
  readonly log?: Logger
  /** An existing folder is kept when the app stops. */
  readonly dataDir?: string
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const folder = options.dataDir === undefined ? temporaryFolder() : undefined
  const dataDir = options.dataDir ?? folder?.path ?? ''
  const config = readConfig({
    WEFT_PORT: '0',
    WEFT_DATA_DIR: dataDir,
    WEFT_JWT_SECRET: testSecret,
    WEFT_DEV: '1',
    ...options.settings,
  })
  const log = process.env['DEBUG'] ? createLog({ level: 'trace', format: 'json' }) : silentLog
  const app = await startApp(config, options.log ?? log, options.parts)
  const wsUrl = app.url.replace('http', 'ws')
  const mint = createTokenMint({
    secret: testSecret,
    issuer: config.WEFT_JWT_ISSUER,
    audience: config.WEFT_JWT_AUDIENCE,
    clock: options.parts?.clock ?? systemClock,
  })
  const token = (sub: string, order: Partial<TokenOrder> = {}) => mint({ sub, ...order })
  return {
    app,
    url: app.url,
    syncUrl: `${wsUrl}/sync`,
    yUrl: `${wsUrl}/y`,
    dataDir,
    token,
    async fetch(path, { sub = 'tester', grants, ...init } = {}) {
      const headers = new Headers(init.headers)
      const order = grants === undefined ? {} : { grants }
      headers.set('authorization', `Bearer ${await token(sub, order)}`)
      return fetch(`${app.url}${path}`, { ...init, headers })
    },
    async metric(name) {
      const metric = await app.metrics.registry.getSingleMetric(name)?.get()
      return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
    },
    async stop() {
      const left = await app.stop(5_000)
      folder?.remove()
      return left
    },
  }
}
