/** Who somebody is to a request: may they see it, are they asked, could they give it themselves? */
import type { Clock } from '../../../shared/clock.ts'
import { decide, decideServer } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import { isWithinLimits, type Principal } from '../../../shared/permissions.ts'
import type { GrantStore } from '../grants/grant-store.ts'
import type { By } from '../grants/grants.ts'
import { requireMayGrant } from '../grants/may-grant.ts'
import type { RuleSource } from '../policy.ts'
import type { DocumentRole } from './access-policy.ts'
import type { StoredRequest } from './request.ts'
import { askedEver, askedNow } from './request-state.ts'

export type DecidersOptions = {
  readonly rules: RuleSource
  readonly grants: Pick<GrantStore, 'roles'>
  readonly clock: Clock
}

type Given = { readonly resource: string; readonly role: DocumentRole }

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

  /** Towards any number of them. */
  async standingAnywhere(by: By): Promise<Standing> {
    return this.#standing(by, await this.#options.rules.allRulesFor(by.principal))
  }

  /** Throws FORBIDDEN for who may not share it, or would give more than they have. */
  async requireMayGive(by: By, { resource, role }: Given): Promise<void> {
    const { rules, grants, clock } = this.#options
    const { principal, address } = by
    const known = await rules.rulesFor(principal, resource)
    const wanted = { resource, role, capabilities: null }
    const roles = grants.roles
    requireMayGrant(wanted, { by: principal, rules: known, roles, at: clock.now(), address })
  }

  async requireShare({ principal, address }: By, resource: string): Promise<void> {
    const rules = await this.#options.rules.rulesFor(principal, resource)
    const at = this.#options.clock.now()
    const sharing = decide({ principal, rules, resource, capability: 'share', at, address })
    if (sharing.allowed) return
    throw new WeftError('FORBIDDEN', `share of ${resource}: ${sharing.because}`)
  }

  async requireAdmin({ principal, address }: By): Promise<void> {
    const rules = await this.#options.rules.rulesFor(principal, '**')
    const at = this.#options.clock.now()
    const decision = decideServer({ principal, rules, roles: ['admin'], at, address })
    if (!decision.allowed) throw new WeftError('FORBIDDEN', decision.because)
  }

  #standing({ principal, address }: By, rules: Awaited<ReturnType<RuleSource['rulesFor']>>) {
    const at = this.#options.clock.now()
    const names = subjectsOf(principal)
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
export function subjectsOf({ id, groups }: Pick<Principal, 'id' | 'groups'>): readonly string[] {
  return [`user:${id}`, ...groups.map(name => `group:${name}`)]
}
