/** Both databases, with the schema up, and a token service on a clock that stands still. */
import { join } from 'node:path'
import { missing } from '../../../../e2e/support/needs.ts'
import { ManualClock } from '../../../../shared/manual-clock.ts'
import { silentLog } from '../../../base/log.ts'
import { openDatabase, type Database } from '../../../database/database.ts'
import { migratePostgres } from '../../../database/postgres-database.ts'
import { migrateSqliteFile } from '../../../database/sqlite-database.ts'
import { temporaryFolder } from '../../../journal/testing/temporary-folder.ts'
import { Postgres } from '../../../testing/postgres.ts'
import { ApiKeys } from '../api-keys.ts'
import { KeyChecker } from '../key-checker.ts'
import { RefreshTokens } from '../refresh-tokens.ts'
import { Revocations } from '../revocations.ts'
import { SecretHasher } from '../secret-hasher.ts'
import { systemEntropy } from '../secrets.ts'
import { SigningKeys } from '../signing-keys.ts'
import type { TokenDatabase, TokenEvent } from '../tables.ts'
import { TOKEN_MS, TokenService } from '../token-service.ts'
import { createKeySigner } from '../token-signer.ts'
import { Tries } from '../tries.ts'

export type TokenStore = {
  /** Another connection to the same store, as another server has it. */
  open(): Database
  remove(): Promise<void>
}

export async function sqliteStore(): Promise<TokenStore> {
  const folder = temporaryFolder()
  const file = join(folder.path, 'weft.sqlite')
  await migrateSqliteFile(file)
  return {
    open: () => openDatabase({ kind: 'sqlite', file }),
    async remove() {
      folder.remove()
    },
  }
}

export const noPostgres =
  missing('tokens on Postgres', { binaries: ['initdb', 'postgres'] }) !== null

export async function postgresStore(): Promise<TokenStore> {
  const postgres = await Postgres.start({ fsync: 'off' })
  const url = await postgres.createDatabase()
  await migratePostgres(url)
  return { open: () => openDatabase({ kind: 'postgres', url }), remove: () => postgres.remove() }
}

/** Some time in 2025, on a full second. */
export const START_MS = 1_750_000_000_000

export type TokenNode = Awaited<ReturnType<typeof tokenNode>>

/** One server's part of the token service. */
export async function tokenNode(opened: Database, clock = new ManualClock(START_MS)) {
  const database: TokenDatabase = { db: opened.db, dialect: opened.dialect }
  const events: TokenEvent[] = []
  const audit = async (_: unknown, event: TokenEvent) => void events.push(event)
  const tools = { database, clock, audit, entropy: systemEntropy, tokenMs: TOKEN_MS }
  const hasher = new SecretHasher()
  const keys = new ApiKeys({ ...tools, hasher })
  const tries = new Tries(clock)
  const checker = new KeyChecker({
    find: id => keys.find(id),
    database,
    hasher,
    tries,
    clock,
    log: silentLog,
  })
  const revocations = new Revocations(tools)
  const refreshTokens = new RefreshTokens(tools)
  const signingKeys = new SigningKeys(tools)
  await signingKeys.start()
  const signer = createKeySigner(signingKeys, { issuer: undefined, audience: undefined })
  const announce = () => revocations.poll()
  const service = new TokenService({ ...tools, signer, refreshTokens, announce, tries })
  return { database, clock, events, keys, checker, revocations, signingKeys, service }
}
