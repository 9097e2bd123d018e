/** The flags of `weft serve`: each stands for a setting, and wins over the environment. */
import { parseArgs } from 'node:util'
import type { SettingName } from '../config.ts'
import { UsageError } from './usage-error.ts'

export const SERVE_USAGE = 'serve [--drain-timeout <10s|10000ms>]'

type Settings = Readonly<Partial<Record<SettingName, string>>>

/** Throws UsageError for anything that is no flag of this command. */
export function serveSettings(args: readonly string[]): Settings {
  const { 'drain-timeout': drainTimeout } = flagsOf(args)
  if (drainTimeout === undefined) return {}
  return { WEFT_DRAIN_TIMEOUT_MS: String(spanMs('--drain-timeout', drainTimeout)) }
}

function flagsOf(args: readonly string[]) {
  try {
    const options = { 'drain-timeout': { type: 'string' } } as const
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    if (isParseError(error)) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function isParseError(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('ERR_PARSE_ARGS_')
}

/** `500ms`, `10s`; without a unit, ms as in the settings. */
function spanMs(flag: string, text: string): number {
  const [, digits, unit] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? []
  const ms = Number(digits) * (unit === 's' ? 1000 : 1)
  if (digits === undefined || ms === 0) {
    throw new UsageError(`${flag} takes a time such as 10s or 500ms, not ${JSON.stringify(text)}`)
  }
  return ms
}
