/** What every soak is told, and how every soak ends. */
import { parseArgs } from 'node:util'

/** Some count rounds, some go on for a time. */
type Length = 'rounds' | 'minutes'

export type SoakOptions<By extends Length> = { readonly [Name in By | 'seed']: number }

export function soakOptions<By extends Length>(
  fallback: Readonly<Record<By, number>>,
): SoakOptions<By> {
  const names = [...(Object.keys(fallback) as By[]), 'seed'] as const
  const { values } = parseArgs({
    options: Object.fromEntries(names.map(name => [name, { type: 'string' } as const])),
  })
  const fallbacks = { ...fallback, seed: Date.now() % 1_000_000 }
  const options = Object.fromEntries(
    names.map(name => [name, Number(values[name] ?? fallbacks[name])]),
  ) as SoakOptions<By>
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
