/** The flags of `weft serve`: each stands for a setting, and comes before the environment. */
import { parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'

const DRAIN_TIMEOUT = /^(\d{1,9})(ms|s)?$/

/** The environment with the flags in it. Throws a sentence for anything that is no flag. */
export function withFlags(
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const drainTimeout = parse(args)
  if (drainTimeout === undefined) return environment
  const [, count, unit] = DRAIN_TIMEOUT.exec(drainTimeout) ?? []
  if (count === undefined) {
    throw new UsageError(`--drain-timeout: "${drainTimeout}" is no time; write 10s, or 10000 (ms)`)
  }
  const ms = Number(count) * (unit === 's' ? 1_000 : 1)
  return { ...environment, WEFT_DRAIN_TIMEOUT_MS: String(ms) }
}

function parse(args: readonly string[]): string | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { 'drain-timeout': { type: 'string' } },
    })
    return values['drain-timeout']
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
