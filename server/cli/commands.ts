/** The commands of `weft`: what each is for, and which code runs it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../base/start-error.ts'
import { ConfigError, settingRows } from '../config.ts'
import { audit } from './audit.ts'
import { inspect } from './inspect.ts'
import { keys } from './keys.ts'
import { KEYS_USAGE } from './keys-options.ts'
import { migrate } from './migrate.ts'
import { repair } from './repair.ts'
import { packageRoot } from './package-root.ts'
import { SERVE_USAGE } from './serve-options.ts'
import { serve } from './serve.ts'
import { UsageError } from './usage-error.ts'

export type Command = {
  readonly usage: string
  readonly sentence: string
  /** Resolves with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    usage: SERVE_USAGE,
    sentence: 'Start the server; the flag is the time for a clean end after SIGTERM.',
    run: serve,
  },
  inspect: {
    usage: 'inspect <document>',
    sentence: 'Show and check everything that is stored of a document.',
    run: inspect,
  },
  repair: {
    usage: 'repair <document>',
    sentence:
      'Open a damaged document from what can still be read (stop the server first on SQLite).',
    run: repair,
  },
  audit: {
    usage: 'audit verify [--anchors FILE] | export [--from TIME] [--to TIME]',
    sentence: 'Is the audit log what was written? What is in it, a line of JSON each.',
    run: audit,
  },
  keys: {
    usage: KEYS_USAGE,
    sentence: 'API keys: make, list, replace, revoke; a key is shown once.',
    run: keys,
  },
  migrate: {
    usage: 'migrate up|down|status',
    sentence: 'Bring the schema of the store up to date (a start does so too), or one step back.',
    run: migrate,
  },
}

export async function runCommand(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...args] = argv
  if (name === '--version') {
    console.log(version())
    return 0
  }
  if (name === 'help' || name === '--help' || args.includes('--help')) return help(0)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    console.error(`weft: there is no command "${name}"\n`)
    return help(64)
  }
  try {
    return await command.run(args)
  } catch (error) {
    if (error instanceof ConfigError) {
      console.error(`weft: ${error.message}\n\nAll settings: weft --help`)
      return 78
    }
    if (error instanceof UsageError) {
      console.error(`weft: ${error.message}\n\nusage: weft ${command.usage}`)
      return 64
    }
    // A port that is taken, a folder that another server has: a sentence, and no stack.
    if (error instanceof StartError || isSystemError(error)) {
      console.error(`weft: ${error.message}`)
      return 69
    }
    throw error
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function version(): string {
  const { version: own } = JSON.parse(
    readFileSync(join(packageRoot(), 'package.json'), 'utf8'),
  ) as {
    version: string
  }
  return own
}

function help(code: number): number {
  const lines = Object.values(commands).map(
    ({ usage, sentence }) => `  weft ${usage.padEnd(38)} ${sentence}`,
  )
  const settings = settingRows().map(({ name, fallback, sentence }) => {
    const shown = fallback === '' ? '' : ` [${fallback}]`
    return `  ${name}${shown}\n      ${sentence}`
  })
  console.log(`usage:\n${lines.join('\n')}\n\nsettings (environment):\n${settings.join('\n')}`)
  return code
}
