/** What every request carries on its way through the routes. */
import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Gatekeeper } from '../access/gatekeeper.ts'
import type { Grants } from '../access/grants/grants.ts'
import type { AccessPolicies } from '../access/requests/access-policies.ts'
import type { Requests } from '../access/requests/requests.ts'
import type { TokenMint } from '../access/token-mint.ts'
import type { Audit } from '../audit/audit.ts'
import type { ApiKeys } from '../access/tokens/api-keys.ts'
import type { KeyChecker } from '../access/tokens/key-checker.ts'
import type { TokenService } from '../access/tokens/token-service.ts'
import type { TokenSigner } from '../access/tokens/token-signer.ts'
import type { Breakers } from '../base/breaker.ts'
import type { Health } from '../base/health.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Documents } from '../documents/documents.ts'
import type { Openings } from '../documents/openings.ts'
import type { ClientAddress } from '../edge/addresses.ts'
import type { Edge } from '../edge/edge.ts'
import type { UserLimits } from '../edge/user-limits.ts'
import type { Signals } from '../features/signals/signals.ts'
import type { AgentPresence } from '../presence/agent-presence.ts'
import type { Members } from '../features/spaces/members.ts'
import type { SpaceViews } from '../features/spaces/space-views.ts'
import type { Spaces } from '../features/spaces/spaces.ts'
import type { LastSeen } from '../presence/last-seen.ts'
import type { People } from '../presence/people.ts'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'

export type RestEnv = {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    log: Logger
    client: ClientAddress
    userLimits: UserLimits
  }
}

export type RestTokens = {
  readonly keys: ApiKeys
  readonly checker: Pick<KeyChecker, 'check'>
  readonly service: TokenService
  /** Resolves when everybody here lives by what was taken back. */
  readonly announce: () => Promise<void>
  readonly signer: TokenSigner
}

export type RestOptions = {
  readonly documents: Documents
  readonly openings: Openings
  readonly gatekeeper: Gatekeeper
  readonly edge: Edge
  readonly audit: Audit
  readonly grants: Grants
  readonly requests: { readonly requests: Requests; readonly policies: AccessPolicies }
  readonly presence: {
    readonly people: Pick<People, 'find'>
    readonly agents: AgentPresence
    readonly lastSeen: Pick<LastSeen, 'of'>
    readonly signals: Pick<Signals, 'send'>
  }
  readonly spaces: {
    readonly spaces: Spaces
    readonly members: Members
    readonly views: SpaceViews
  }
  readonly clock: Clock
  readonly tokens: RestTokens
  readonly health: Health
  readonly breakers: Breakers
  readonly metrics: Metrics
  /** Ends sessions on all nodes; returns how many there were on this one. */
  readonly disconnect: (whom: { document?: string; user?: string }) => number
  readonly log: Logger
  /** Larger requests are refused. */
  readonly bodyBytesMax: number
  /** False from the first moment of a shutdown on. */
  readonly isAccepting: () => boolean
  /** Present in development mode alone. */
  readonly mint: TokenMint | undefined
  /** Folder of the built pages; undefined serves none. */
  readonly pagesDir: string | undefined
}

/** A router whose requests have been held against their schemas, or are REQUEST_INVALID. */
export function createRouter(): OpenAPIHono<RestEnv> {
  return new OpenAPIHono<RestEnv>({
    defaultHook(result) {
      if (result.success) return
      const [issue] = result.error.issues
      const where = issue?.path.join('.') ?? ''
      throw new WeftError('REQUEST_INVALID', `${where}: ${issue?.message ?? 'unreadable'}`)
    },
  })
}
