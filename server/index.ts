/** The public list of `weft/server`: the whole server, in somebody's own process. */
export { startApp, type App, type AppParts } from './app.ts'
export type {
  DocumentEvent,
  DocumentHooks,
  DocumentSchema,
  Seed,
  StoredEvent,
} from './documents/document-hooks.ts'
export type { AppHooks } from './app-signals.ts'
export type { SignalCheck, SignalHooks, SignalSchema } from './features/signals/signal-hooks.ts'
export type { Edit, EditReceipt } from './documents/edits.ts'
export { createLog, type Logger } from './base/log.ts'
export { ConfigError, readConfig, type Config } from './config.ts'
export { WeftError, type ErrorCode, type WireError } from '../shared/errors.ts'
