/** What every soak is told, and how every soak ends. */
import { parseArgs } from 'node:util'

export type SoakOptions = { readonly rounds: number; readonly seed: number }

export function soakOptions(fallback: { readonly rounds: number }): SoakOptions {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' } },
  })
  const options = {
    rounds: Number(values.rounds ?? fallback.rounds),
    seed: Number(values.seed ?? Date.now() % 1_000_000),
  }
  for (const [name, value] of Object.entries(options)) {
    if (Number.isInteger(value) && value >= 0) continue
    console.error(`--${name} must be a whole number`)
    process.exit(64)
  }
  console.log(JSON.stringify(options))
  return options
}

type Verdict = { readonly lost: readonly string[]; readonly invented: readonly string[] }

/** One last line, and a code that a machine can read. */
export function finish(
  summary: Verdict & Readonly<Record<string, unknown>>,
  sound: boolean,
): never {
  const isSound = sound && summary.lost.length === 0 && summary.invented.length === 0
  console.log(JSON.stringify({ summary, verdict: isSound ? 'sound' : 'UNSOUND' }))
  process.exit(isSound ? 0 : 1)
}
