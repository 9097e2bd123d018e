/** Who may do what: tokens, grants, and the watch that lets both take effect on open connections. */
import { every, type Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import { AccessWatch } from './access/access-watch.ts'
import { Gatekeeper } from './access/gatekeeper.ts'
import { GrantStore } from './access/grants/grant-store.ts'
import { Grants } from './access/grants/grants.ts'
import { Policy } from './access/policy.ts'
import { createTokenMint, developmentSecret, type TokenMint } from './access/token-mint.ts'
import { createTokenVerifier, type TokenKeys } from './access/token-verifier.ts'
import type { Audit } from './audit/audit.ts'
import type { Breakers } from './base/breaker.ts'
import type { StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
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
  /** In development mode alone. */
  readonly mint: TokenMint | undefined
  stop(): StopReport
}

const SWEEP_MS = 60_000
/** What changed longer ago every node has seen, or reads all anew. */
const CHANGES_KEPT_MS = 24 * 60 * 60_000

export async function openAccess(config: Config, parts: AccessParts): Promise<Access> {
  const { clock, random, log, database, audit, fanout } = parts
  const { verifier, mint } = createTokens(config, parts)
  const store = new GrantStore(database.db, clock)
  const policy = new Policy(store)
  const gatekeeper = new Gatekeeper({ verifier, clock, policy })
  const { passes } = gatekeeper
  const watch = new AccessWatch({ store, policy, passes, fanout, clock, log })
  await watch.start()
  const announce = () => watch.announce()
  const grants = new Grants({ store, rules: policy, audit, announce, clock, random })
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
    mint,
    stop() {
      stopSweeping()
      watch.close()
      return []
    },
  }
}

function createTokens(
  config: Config,
  { clock, breakers }: Pick<AccessParts, 'clock' | 'breakers'>,
) {
  const issuer = config.WEFT_JWT_ISSUER
  const audience = config.WEFT_JWT_AUDIENCE
  const keys: TokenKeys[] = []
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
  const verifier = createTokenVerifier({ keys, issuer, audience, maxAgeSeconds, clock, guard })
  return { verifier, mint }
}
