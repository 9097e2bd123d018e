/** Who may do what: tokens, grants, and the watch that lets both take effect on open connections. */
import { every, type Clock } from '../shared/clock.ts'
import type { Principal } from '../shared/permissions.ts'
import type { Random } from '../shared/random.ts'
import { openTokens, toAuditEvent, tokenTables, type Tokens } from './app-tokens.ts'
import { AccessWatch } from './access/access-watch.ts'
import { Gatekeeper } from './access/gatekeeper.ts'
import { GrantStore } from './access/grants/grant-store.ts'
import { Grants } from './access/grants/grants.ts'
import { Policy, type RuleSource } from './access/policy.ts'
import { openSpaceGate } from './app-spaces.ts'
import type { SpaceStore } from './features/spaces/space-store.ts'
import { openRequests, type OpenedRequests } from './app-requests.ts'
import { createTokenMint, developmentSecret, type TokenMint } from './access/token-mint.ts'
import { createTokenVerifier, type TokenKeys } from './access/token-verifier.ts'
import type { Audit } from './audit/audit.ts'
import type { Breakers } from './base/breaker.ts'
import type { StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import { untyped } from './database/untyped.ts'
import type { Fanout } from './fanout/fanout.ts'

export type AccessParts = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly breakers: Breakers
  readonly database: Database
  readonly audit: Audit
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
}

export type Access = {
  readonly gatekeeper: Gatekeeper
  readonly grants: Grants
  readonly grantStore: GrantStore
  readonly rules: RuleSource
  /** See {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
  readonly spaceStore: SpaceStore
  readonly requests: OpenedRequests
  readonly tokens: Tokens
  /** In development mode alone. */
  readonly mint: TokenMint | undefined
  stop(): Promise<StopReport>
}

const SWEEP_MS = 60_000
/** What changed longer ago every node has seen, or reads all anew. */
const CHANGES_KEPT_MS = 24 * 60 * 60_000

export async function openAccess(config: Config, parts: AccessParts): Promise<Access> {
  const { clock, random, log, database, audit, fanout } = parts
  const announce = () => watch.announce()
  const tokens = await openTokens(config, {
    database: tokenTables(database),
    clock,
    log,
    announce,
    audit: (trx, event) => audit.write(untyped(trx), [toAuditEvent(event)]),
  })
  const { verifier, mint } = createVerifier(config, { ...parts, tokens })
  const store = new GrantStore(database.db, clock)
  const policy = new Policy(store)
  const spaceGate = await openSpaceGate({ ...parts, isAlone: fanout === undefined })
  const { revocations } = tokens
  const isRevoked = (principal: Principal) => revocations.isRevoked(principal)
  const gatekeeper = new Gatekeeper({
    verifier,
    clock,
    policy,
    isRevoked,
    receive: pass => spaceGate.receive(pass),
    note: event => audit.note(event),
    log,
  })
  const { passes } = gatekeeper
  const watch = new AccessWatch({ store, policy, passes, revocations, fanout, clock, log })
  await watch.start()
  const grants = new Grants({ store, rules: policy, audit, announce, clock, random })
  const shared = { database, audit, clock, random, log }
  const requests = openRequests({ ...shared, grants: store, rules: policy, gatekeeper, announce })
  const stopSweeping = every(clock, SWEEP_MS, () => void sweep())

  async function sweep(): Promise<void> {
    try {
      await grants.sweep()
      await store.forgetChanges(clock.now() - CHANGES_KEPT_MS)
    } catch (error) {
      // They are out of force already; the next round writes it down.
      log.warn({ err: error }, 'grants that have ended could not be closed')
    }
  }

  return {
    gatekeeper,
    grants,
    grantStore: store,
    rules: policy,
    announce,
    spaceStore: spaceGate.store,
    requests,
    tokens,
    mint,
    async stop() {
      stopSweeping()
      await requests.close()
      watch.close()
      await spaceGate.close()
      await tokens.close()
      return []
    },
  }
}

type VerifierParts = Pick<AccessParts, 'clock' | 'breakers'> & { readonly tokens: Tokens }

function createVerifier(config: Config, { clock, breakers, tokens }: VerifierParts) {
  const issuer = config.WEFT_JWT_ISSUER
  const audience = config.WEFT_JWT_AUDIENCE
  // First, so that of a token of nobody the others say what is wrong.
  const keys: TokenKeys[] = [...tokens.verifierKeys]
  if (config.WEFT_JWT_SECRET !== undefined) {
    keys.push({ kind: 'secret', secret: config.WEFT_JWT_SECRET })
  }
  if (config.WEFT_JWKS_URL !== undefined) keys.push({ kind: 'jwks', url: config.WEFT_JWKS_URL })
  if (config.WEFT_JWT_KEYS_FILE !== undefined) {
    keys.push({ kind: 'file', path: config.WEFT_JWT_KEYS_FILE })
  }
  let mint: TokenMint | undefined
  if (config.devMode) {
    const secret = config.WEFT_JWT_SECRET ?? developmentSecret(config.WEFT_DATA_DIR)
    mint = createTokenMint({ secret, issuer, audience, clock })
    if (config.WEFT_JWT_SECRET === undefined) keys.push({ kind: 'secret', secret })
  }
  const guard = config.WEFT_JWKS_URL === undefined ? undefined : breakers.breaker('jwks').run
  const maxAgeSeconds = config.WEFT_JWT_MAX_AGE_S
  const options = { keys, issuer, audience, maxAgeSeconds, clock, guard }
  return { verifier: tokens.takeKeys(createTokenVerifier(options)), mint }
}
