/** The policies by which access may be asked for: set by those who may share what they are about. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Audit } from '../../audit/audit.ts'
import { actorOf, type By } from '../grants/grant-events.ts'
import type { AccessPolicy, StoredPolicy } from './access-policy.ts'
import type { Deciders } from './deciders.ts'
import type { PolicyStore } from './policy-store.ts'

export type AccessPoliciesOptions = {
  readonly store: PolicyStore
  readonly deciders: Deciders
  readonly audit: Pick<Audit, 'write'>
  readonly clock: Clock
}

/** The one for `**` is the admins'. */
const EVERYTHING = '**'

export class AccessPolicies {
  readonly #options: AccessPoliciesOptions

  constructor(options: AccessPoliciesOptions) {
    this.#options = options
  }

  /** Throws ACCESS_POLICY_NOT_FOUND when exactly this pattern has none. */
  async get(by: By, pattern: string): Promise<StoredPolicy> {
    await this.#require(by, pattern)
    const policy = await this.#options.store.get(pattern)
    if (policy === undefined) throw notFound(pattern)
    return policy
  }

  /**
   * Throws FORBIDDEN also when its ceiling, or its emergency, is more than whoever sets it could give,
   * or for longer.
   */
  async put(by: By, pattern: string, policy: AccessPolicy): Promise<StoredPolicy> {
    const { store, deciders, audit, clock } = this.#options
    await this.#require(by, pattern)
    const durationMs = Math.max(policy.ceiling.maxDurationMs, policy.emergency?.durationMs ?? 0)
    for (const role of policy.ceiling.roles) {
      await deciders.requireMayGive(by, { resource: pattern, role, durationMs })
    }
    const { id: changedBy } = by.principal
    const stored = { ...policy, pattern, changedBy, changedAt: clock.now() }
    const told = { action: 'access-policy.put', document: pattern, decision: 'allow' } as const
    await store.put(stored, trx => audit.write(trx, [{ ...actorOf(by), ...told, details: policy }]))
    return stored
  }

  /** Throws ACCESS_POLICY_NOT_FOUND. */
  async remove(by: By, pattern: string): Promise<void> {
    const { store, audit } = this.#options
    await this.#require(by, pattern)
    const told = { action: 'access-policy.remove', document: pattern, decision: 'allow' } as const
    const isRemoved = await store.remove(pattern, trx =>
      audit.write(trx, [{ ...actorOf(by), ...told }]),
    )
    if (!isRemoved) throw notFound(pattern)
  }

  async #require(by: By, pattern: string): Promise<void> {
    const { deciders } = this.#options
    if (pattern === EVERYTHING) await deciders.requireAdmin(by)
    else await deciders.requireShare(by, pattern)
  }
}

function notFound(pattern: string): WeftError {
  return new WeftError('ACCESS_POLICY_NOT_FOUND', `${pattern} has no policy of its own`)
}
