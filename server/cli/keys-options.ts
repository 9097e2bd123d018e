/** The flags of `weft keys`. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { keyAuthority, type KeyAuthority } from '../access/tokens/key-authority.ts'
import { UsageError } from './usage-error.ts'

export const KEYS_USAGE =
  'keys create --name <name> --scope <scope>... [--resource <pattern>...] [--role <role>] [--expires <90d>]\n' +
  '       weft keys list | rotate <id> [--grace <24h>] | revoke <id> | rotate-signing'

export type KeysCommand =
  | {
      readonly kind: 'create'
      readonly name: string
      readonly authority: KeyAuthority
      readonly livesMs: number | null
    }
  | { readonly kind: 'list' }
  | { readonly kind: 'rotate'; readonly id: string; readonly graceMs: number }
  | { readonly kind: 'revoke'; readonly id: string }
  | { readonly kind: 'rotate-signing' }

const NAME_CHARACTERS_MAX = 64

/** Throws UsageError for anything else. */
export function keysCommand(args: readonly string[]): KeysCommand {
  const [action = '', ...rest] = args
  switch (action) {
    case 'create':
      return createCommand(rest)
    case 'list':
    case 'rotate-signing':
      parse(rest, {}, 0)
      return { kind: action }
    case 'rotate': {
      const { values, positionals } = parse(rest, { grace: { type: 'string' } }, 1)
      const graceMs = spanMs('--grace', String(values['grace'] ?? '24h'))
      return { kind: action, id: positionals[0] ?? '', graceMs }
    }
    case 'revoke':
      return { kind: action, id: parse(rest, {}, 1).positionals[0] ?? '' }
    default:
      throw new UsageError(`there is no action ${JSON.stringify(action)} of keys`)
  }
}

function createCommand(args: readonly string[]): KeysCommand {
  const { name, scope, resource, role, expires } = parse(
    args,
    {
      name: { type: 'string' },
      scope: { type: 'string', multiple: true },
      resource: { type: 'string', multiple: true },
      role: { type: 'string' },
      expires: { type: 'string' },
    },
    0,
  ).values
  if (typeof name !== 'string' || name === '' || name.length > NAME_CHARACTERS_MAX) {
    throw new UsageError('--name tells people what the key is for, in up to 64 characters')
  }
  const told = { scopes: scope ?? [], resources: resource, role }
  const authority = keyAuthority.safeParse(told)
  if (!authority.success) {
    const [issue] = authority.error.issues
    throw new UsageError(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim())
  }
  const livesMs = typeof expires === 'string' ? spanMs('--expires', expires) : null
  return { kind: 'create', name, authority: authority.data, livesMs }
}

function parse(args: readonly string[], options: ParseArgsOptionsConfig, positionals: number) {
  try {
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
    if (parsed.positionals.length === positionals) return parsed
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(error.message, { cause: error })
  }
  throw new UsageError(positionals === 0 ? 'too many words' : 'say which key: its id')
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90d`, `24h`, `30m`, `0s`. */
function spanMs(flag: string, text: string): number {
  const [, digits, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (digits === undefined) {
    throw new UsageError(`${flag} takes a time such as 90d or 24h, not ${JSON.stringify(text)}`)
  }
  return Number(digits) * units[unit as keyof typeof units]
}
