/** `weft serve`: settings -> app -> a signal becomes a drain. */
import { join } from 'node:path'
import { startApp, type App } from '../app.ts'
import { createLog, type Logger } from '../base/log.ts'
import { readConfig } from '../config.ts'
import { describeDatabase } from '../database/postgres-database.ts'
import { loadHooks } from './load-hooks.ts'
import { packageRoot } from './package-root.ts'
import { serveSettings } from './serve-options.ts'

/** A clean end, and an end that leaves something unsaved (EX_IOERR of sysexits). */
const EXIT = { clean: 0, unsaved: 74, broken: 70 } as const

export async function serve(args: readonly string[]): Promise<number> {
  const config = readConfig({ ...process.env, ...serveSettings(args) }, process.stdout.isTTY)
  const log = createLog({ level: config.WEFT_LOG_LEVEL, format: config.logFormat })
  watchForBugs(log)
  const hooks = config.WEFT_HOOKS === undefined ? {} : await loadHooks(config.WEFT_HOOKS)
  const app = await startApp(config, log, { pagesDir: join(packageRoot(), 'dist', 'pages'), hooks })
  const { WEFT_DATABASE_URL: database, WEFT_DATA_DIR: dataDir } = config
  const store = database === undefined ? { dataDir } : { database: describeDatabase(database) }
  log.info({ url: app.url, ...store }, `weft is ready at ${app.url}`)
  if (config.devMode) log.warn('development mode: whoever reaches this address gets any token')
  return whenEnded(app, log)
}

async function whenEnded(app: App, log: Logger): Promise<number> {
  const signal = new Promise<string>(resolve => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
  const why = await Promise.race([
    signal.then(name => ({ kind: 'signal', name }) as const),
    app.broken.then(reason => ({ kind: 'broken', reason }) as const),
  ])
  if (why.kind === 'broken') {
    // Not drained: a store that failed a sync may say "done" to what it does not have.
    log.fatal({ reason: why.reason }, 'the store can no longer be trusted: start anew')
    return EXIT.broken
  }
  log.info(`${why.name}: shutting down`)
  const left = await app.stop()
  for (const sentence of left) log.error(`not finished: ${sentence}`)
  log.info(left.length === 0 ? 'stopped cleanly' : 'stopped with work left')
  return left.length === 0 ? EXIT.clean : EXIT.unsaved
}

/** An error that nobody caught is a bug, and no reason to throw everybody else out. */
function watchForBugs(log: Logger): void {
  process.on('unhandledRejection', error => log.error({ err: error }, 'an unhandled rejection'))
  process.on('uncaughtException', error => {
    log.fatal({ err: error }, 'an uncaught exception')
    process.exit(EXIT.broken)
  })
}
