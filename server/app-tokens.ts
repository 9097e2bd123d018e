/** The token service with the settings it is given: who signs, and what runs beside it. */
import { chmodSync, existsSync } from 'node:fs'
import { every, type Clock } from '../shared/clock.ts'
import { ApiKeys } from './access/tokens/api-keys.ts'
import { KeyChecker } from './access/tokens/key-checker.ts'
import { createKeyedVerifier } from './access/tokens/keyed-verifier.ts'
import { RefreshTokens } from './access/tokens/refresh-tokens.ts'
import { Revocations } from './access/tokens/revocations.ts'
import { SecretHasher } from './access/tokens/secret-hasher.ts'
import { systemEntropy } from './access/tokens/secrets.ts'
import { SigningKeys } from './access/tokens/signing-keys.ts'
import type { TokenDatabase, TokenEvent, WriteAudit } from './access/tokens/tables.ts'
import { TOKEN_MS, TokenService } from './access/tokens/token-service.ts'
import {
  createKeySigner,
  createSecretSigner,
  OWN_ISSUER,
  type TokenSigner,
} from './access/tokens/token-signer.ts'
import { Tries } from './access/tokens/tries.ts'
import type { TokenKeys, TokenVerifier } from './access/token-verifier.ts'
import type { AuditEvent } from './audit/audit-row.ts'
import type { Logger } from './base/log.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { sqliteFiles } from './journal/sqlite/sqlite-files.ts'

export type TokenParts = {
  readonly database: TokenDatabase
  readonly clock: Clock
  readonly log: Logger
  /** Writes down who did what; nothing is, without it. */
  readonly audit?: WriteAudit
}

export type ServiceParts = TokenParts & {
  /** Resolves when everybody here lives by what was taken back; see {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
}

export type Tokens = {
  readonly keys: ApiKeys
  readonly checker: KeyChecker
  readonly service: TokenService
  readonly signer: TokenSigner
  readonly revocations: Revocations
  readonly announce: () => Promise<void>
  /** Undefined where WEFT_JWT_SECRET signs. */
  readonly signingKeys: SigningKeys | undefined
  /** More ways in which a token may be signed. */
  readonly verifierKeys: readonly TokenKeys[]
  /** The verifier takes API keys too, and nothing that was taken back. */
  takeKeys(verifier: TokenVerifier): TokenVerifier
  close(): Promise<void>
}

const LOAD_KEYS_MS = 60_000
const SWEEP_MS = 3_600_000

/** Resolves when all that was taken back is known. */
export async function openTokens(config: Config, parts: ServiceParts): Promise<Tokens> {
  const { database, clock, log, announce } = parts
  const tools = { ...toolsOf(parts), clock, database }
  const hasher = new SecretHasher()
  const keys = new ApiKeys({ ...tools, hasher })
  const tries = new Tries(clock)
  const find = (id: string) => keys.find(id)
  const checker = new KeyChecker({ find, database, hasher, tries, clock, log })
  const revocations = new Revocations(tools)
  await revocations.poll()
  const refreshTokens = new RefreshTokens({ ...tools, tokenMs: TOKEN_MS })
  const { signer, signingKeys, verifierKeys } = await openSigner(config, parts)
  const service = new TokenService({ ...tools, signer, refreshTokens, announce, tries })
  const run = (what: string, action: () => Promise<unknown>) => () =>
    void action().catch((error: unknown) => log.warn({ err: error }, `${what} failed`))
  const sweepAll = () =>
    Promise.all([revocations.sweep(), refreshTokens.sweep(), signingKeys?.sweep()])
  const stops = [
    every(
      clock,
      LOAD_KEYS_MS,
      run('reading signing keys', async () => signingKeys?.load()),
    ),
    every(clock, SWEEP_MS, run('forgetting tokens that are over', sweepAll)),
  ]
  return {
    keys,
    checker,
    service,
    signer,
    revocations,
    announce,
    signingKeys,
    verifierKeys,
    takeKeys: verifier => createKeyedVerifier({ verifier, keys: checker, revocations }),
    async close() {
      for (const stop of stops) stop()
      await checker.settle()
    },
  }
}

async function openSigner(config: Config, { database, clock, audit = nowhere }: TokenParts) {
  const { WEFT_JWT_SECRET: secret, WEFT_JWT_ISSUER: issuer } = config
  const terms = { issuer, audience: config.WEFT_JWT_AUDIENCE }
  if (secret !== undefined) {
    const signer = createSecretSigner(secret, terms)
    return { signer, signingKeys: undefined, verifierKeys: [] }
  }
  const options = { database, clock, audit, entropy: systemEntropy, tokenMs: TOKEN_MS }
  const signingKeys = new SigningKeys(options)
  await signingKeys.start()
  keepPrivate(config)
  const { resolve } = signingKeys
  const own: TokenKeys = { kind: 'own', resolve, issuer: issuer ?? OWN_ISSUER }
  return { signer: createKeySigner(signingKeys, terms), signingKeys, verifierKeys: [own] }
}

/** What the commands need of it. */
export function openKeys(parts: TokenParts): ApiKeys {
  const { database, clock } = parts
  return new ApiKeys({ ...toolsOf(parts), clock, database, hasher: new SecretHasher() })
}

/** The keys that sign; undefined where WEFT_JWT_SECRET does. */
export async function openSigningKeys(config: Config, parts: TokenParts) {
  return (await openSigner(config, parts)).signingKeys
}

const nowhere: WriteAudit = async () => {}

const toolsOf = ({ audit = nowhere }: TokenParts) => ({ audit, entropy: systemEntropy })

/** The tables of the token service in a store whose schema is up to date. */
export function tokenTables({ db, dialect }: Pick<Database, 'db' | 'dialect'>): TokenDatabase {
  return { db, dialect }
}

/** Keys that sign are in the file: nobody else on the machine may read it. */
function keepPrivate({ WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir }: Config): void {
  if (url !== undefined) return
  const { database } = sqliteFiles(dataDir)
  for (const file of [database, `${database}-wal`, `${database}-shm`]) {
    if (existsSync(file)) chmodSync(file, 0o600)
  }
}

/** How the token service's doings stand in the audit log. */
export function toAuditEvent({ actor, action, details }: TokenEvent): AuditEvent {
  const decision = action === 'token.reuse' ? 'deny' : 'allow'
  return { actor: actor.id, actorKind: actor.kind, action, decision, details }
}
