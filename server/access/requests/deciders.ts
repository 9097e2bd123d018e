/** Who somebody is to a request: may they see it, are they asked, could they give it themselves? */
import type { Clock } from '../../../shared/clock.ts'
import { decide } from '../../../shared/decide.ts'
import { isWithinLimits, type Principal } from '../../../shared/permissions.ts'
import type { Gatekeeper } from '../gatekeeper.ts'
import type { StoredGrant } from '../grants/grant.ts'
import type { GrantStore } from '../grants/grant-store.ts'
import type { By } from '../grants/grant-events.ts'
import { grantingOf, requireShare } from '../grants/granting.ts'
import { requireMayGrant } from '../grants/may-grant.ts'
import type { RuleSource } from '../policy.ts'
import type { StoredRequest } from './request.ts'
import { askedEver, askedNow } from './request-state.ts'

export type DecidersOptions = {
  readonly rules: RuleSource
  readonly grants: Pick<GrantStore, 'roles'>
  readonly gatekeeper: Pick<Gatekeeper, 'requireRole'>
  readonly clock: Clock
}

type Given = Pick<StoredRequest, 'resource' | 'role' | 'durationMs'> & {
  /** Left out: nobody of whom the store says anything yet. */
  readonly requester?: { readonly id: string }
}

/** What somebody may do with requests, from one look at the store. */
export type Standing = {
  readonly isOwn: (request: StoredRequest) => boolean
  /** May they know who is asked, and who said what? Not as the one who asks for access. */
  readonly isInsider: (request: StoredRequest) => boolean
  /** Those of the approvers of the present step that they are. */
  readonly actsAs: (request: StoredRequest) => readonly string[]
}

export class Deciders {
  readonly #options: DecidersOptions

  constructor(options: DecidersOptions) {
    this.#options = options
  }

  /** Towards one request: the rules for its resource alone are read. */
  async standing(by: By, { resource }: StoredRequest): Promise<Standing> {
    const rules = await this.#options.rules.rulesFor(by.principal, resource)
    return this.#standing(by, rules)
  }

  /** Towards several of them, from one look at the store. */
  async standingTowards(by: By, requests: readonly StoredRequest[]): Promise<Standing> {
    const resources = requests.map(({ resource }) => resource)
    return this.#standing(by, await this.#options.rules.rulesForAll(by.principal, resources))
  }

  /** Throws FORBIDDEN for who may not share it, or would give more than they have. */
  async requireMayGive(by: By, request: Given): Promise<void> {
    const { rules, grants: store, clock } = this.#options
    const wanted = wantedOf(request, { by: by.principal.id, at: clock.now() })
    requireMayGrant(wanted, await grantingOf({ store, rules, clock }, by, wanted))
  }

  requireShare(by: By, resource: string): Promise<void> {
    return requireShare(this.#options, by, resource)
  }

  requireAdmin(by: By): Promise<void> {
    return this.#options.gatekeeper.requireRole(by.principal, ['admin'], by)
  }

  #standing({ principal, address }: By, rules: Awaited<ReturnType<RuleSource['rulesFor']>>) {
    const at = this.#options.clock.now()
    const names = approverNamesOf(principal)
    const mayShare = (resource: string) =>
      decide({ principal, rules, resource, capability: 'share', at, address }).allowed
    // A key that is for something else decides nothing here, whoever it names.
    const isInRoom = (resource: string) => isWithinLimits(principal, resource, 'share')
    const isOne = (approver: string, resource: string) =>
      approver === 'owners' ? mayShare(resource) : names.includes(approver)
    return {
      isOwn: ({ requester }: StoredRequest) => requester.id === principal.id,
      isInsider: ({ plan, resource }: StoredRequest) =>
        isInRoom(resource) &&
        (mayShare(resource) || askedEver(plan).some(approver => isOne(approver, resource))),
      actsAs: ({ plan, progress, resource }: StoredRequest) =>
        isInRoom(resource)
          ? askedNow(plan, progress).filter(approver => isOne(approver, resource))
          : [],
    }
  }
}

/** As they stand in policies: everybody is nobody there. */
export function approverNamesOf({
  id,
  groups,
}: Pick<Principal, 'id' | 'groups'>): readonly string[] {
  return [`user:${id}`, ...groups.map(name => `group:${name}`)]
}

/** The grant that an approval would make. */
function wantedOf(
  { requester, resource, role, durationMs }: Given,
  { by, at }: { readonly by: string; readonly at: number },
): StoredGrant {
  return {
    id: '',
    subject: `user:${requester?.id ?? ''}`,
    resource,
    effect: 'allow',
    role,
    capabilities: null,
    paths: null,
    condition: null,
    expiresAt: at + durationMs,
    grantedBy: by,
    createdAt: at,
    status: 'active',
  }
}
