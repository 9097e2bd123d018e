/** Nobody gives what they have not got: what a grant has to be held against before it is made. */
import { decide, decideServer, type Rule } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import { roleCapabilities, type Capability, type Principal } from '../../../shared/permissions.ts'
import { isBuiltIn, isServerRole, type CustomRole, type StoredGrant } from './grant.ts'

export type Granting = {
  readonly by: Principal
  /** Those of the store for whoever grants, on the resource of the grant. */
  readonly rules: readonly Rule[]
  readonly roles: ReadonlyMap<string, CustomRole>
  readonly at: number
  readonly address: string | null
}

type Wanted = Pick<StoredGrant, 'resource' | 'role' | 'capabilities'>

/**
 * Throws REQUEST_INVALID for a role that there is not, FORBIDDEN when whoever grants may not share the
 * resource, or would give more than they may themselves. The same holds for denying, and for
 * taking back: a grant is the business of those who could have made it.
 */
export function requireMayGrant(wanted: Wanted, granting: Granting): void {
  const { resource, role } = wanted
  const given = capabilitiesOf(wanted, granting.roles)
  const may = (capability: Capability) => {
    const { by: principal, rules, at, address } = granting
    return decide({ principal, rules, resource, capability, at, address })
  }
  const sharing = may('share')
  if (!sharing.allowed) throw new WeftError('FORBIDDEN', `share of ${resource}: ${sharing.because}`)
  if (isServerRole(role) && !isAdmin(granting)) {
    throw new WeftError('FORBIDDEN', `only an admin makes somebody ${role} of the server`)
  }
  if (isServerRole(role) && resource !== '**') {
    throw new WeftError('REQUEST_INVALID', `${role} is a role of the server: grant it for **`)
  }
  for (const capability of given) {
    const own = may(capability)
    if (own.allowed && own.paths === null) continue
    throw new WeftError('FORBIDDEN', `${granting.by.id} may not give ${capability} of ${resource}`)
  }
}

export function capabilitiesOf(
  { role, capabilities }: Pick<Wanted, 'role' | 'capabilities'>,
  roles: ReadonlyMap<string, CustomRole>,
): readonly Capability[] {
  if (capabilities !== null) return capabilities
  if (role !== null && isBuiltIn(role)) return roleCapabilities[role]
  const custom = role === null ? undefined : roles.get(role)
  if (custom === undefined) throw new WeftError('REQUEST_INVALID', `there is no role "${role}"`)
  return custom.capabilities
}

function isAdmin({ by: principal, rules, at, address }: Granting): boolean {
  return decideServer({ principal, rules, roles: ['admin'], at, address }).allowed
}
