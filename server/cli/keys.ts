/** `weft keys`: the API keys of an installation; works beside a running server. */
import { systemClock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { ApiKey } from '../access/tokens/api-key.ts'
import type { NewKey } from '../access/tokens/api-keys.ts'
import type { Actor, WriteAudit } from '../access/tokens/tables.ts'
import { openKeys, openSigningKeys, toAuditEvent, type TokenParts } from '../app-tokens.ts'
import { AuditTable } from '../audit/audit-table.ts'
import { createLog } from '../base/log.ts'
import { readConfig, type Config } from '../config.ts'
import { untyped, untypedDatabase } from '../database/untyped.ts'
import { keysCommand, type KeysCommand } from './keys-options.ts'
import { withTokenTables } from './token-tables.ts'

const EXIT = { done: 0, refused: 1, noInput: 66, unavailable: 69 } as const

/** Whoever may run commands here may do everything. */
const by: Actor = { id: 'cli', kind: 'service' }

export async function keys(args: readonly string[]): Promise<number> {
  const command = keysCommand(args)
  const config = readConfig(process.env)
  const log = createLog({ level: 'warn', format: 'pretty' })
  try {
    return await withTokenTables(config, database => {
      const table = new AuditTable({ ...database, db: untypedDatabase(database.db) })
      const audit: WriteAudit = (trx, event) =>
        table.appendWithin(untyped(trx), [{ ...toAuditEvent(event), at: event.at }])
      return run(command, config, { database, clock: systemClock, log, audit })
    })
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    console.error(`weft: ${error.message}. ${error.hint}`)
    if (error.code === 'KEY_NOT_FOUND') return EXIT.noInput
    return error.retryable ? EXIT.unavailable : EXIT.refused
  }
}

async function run(command: KeysCommand, config: Config, parts: TokenParts): Promise<number> {
  const apiKeys = openKeys(parts)
  switch (command.kind) {
    case 'create': {
      const { name, authority, livesMs } = command
      const expiresAt = livesMs === null ? null : parts.clock.now() + livesMs
      show(await apiKeys.create({ name, authority, expiresAt, by }))
      return EXIT.done
    }
    case 'list':
      for (const key of await apiKeys.list()) console.log(line(key, parts.clock.now()))
      return EXIT.done
    case 'rotate':
      show(await apiKeys.rotate(command.id, { graceMs: command.graceMs, by }))
      return EXIT.done
    case 'revoke':
      await apiKeys.revoke(command.id, by)
      console.log(`revoked ${command.id}`)
      return EXIT.done
    case 'rotate-signing':
      return rotateSigning(config, parts)
  }
}

/** The key alone on stdout, so that a script can keep it; the rest is for people. */
function show({ key, text }: NewKey): void {
  console.error(`key ${key.id} "${key.name}"; it is shown this once:`)
  console.log(text)
}

function line(key: ApiKey, now: number): string {
  const { scopes, resources, role } = key.authority
  const day = (at: number | null) => (at === null ? '-' : new Date(at).toISOString())
  const state = stateOf(key, now)
  return [
    `${key.id}  ${state.padEnd(8)}  ${key.name}`,
    `    ${scopes.join(' ')}, up to ${role} of ${resources.join(' ')}`,
    `    created ${day(key.createdAt)} by ${key.createdBy}, expires ${day(key.expiresAt)}, ` +
      `last used ${day(key.lastUsedAt)}`,
  ].join('\n')
}

function stateOf({ revokedAt, expiresAt, replacedBy }: ApiKey, now: number): string {
  if (revokedAt !== null) return 'revoked'
  if (expiresAt !== null && now >= expiresAt) return 'expired'
  return replacedBy === null ? 'good' : 'rotated'
}

async function rotateSigning(config: Config, parts: TokenParts): Promise<number> {
  const signing = await openSigningKeys(config, parts)
  if (signing === undefined) {
    console.error('weft: WEFT_JWT_SECRET signs the tokens; change that on all servers instead')
    return EXIT.refused
  }
  console.log(`key ${await signing.rotate(by)} signs in five minutes`)
  return EXIT.done
}
