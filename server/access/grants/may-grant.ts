/** Nobody gives what they have not got, or takes what they could not give: asked before a grant changes. */
import { decide, decideServer, tokenRules, type Rule } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import {
  capabilities,
  isServerRole,
  matches,
  nearness,
  patternsOf,
  roleCapabilities,
  type Capability,
  type Principal,
} from '../../../shared/permissions.ts'
import { isBuiltIn, subjectsOf, toRule, type CustomRole, type StoredGrant } from './grant.ts'

export type Granting = {
  readonly by: Principal
  /** Those of the store for whoever grants, on the resource of the grant. */
  readonly rules: readonly Rule[]
  /** Those further down, where a pattern is granted; `all`: too many to look through. */
  readonly below: readonly Rule[] | 'all'
  /** Those of exactly the grant's subject, whoever that is, on the resource of the grant. */
  readonly subjectRules: readonly Rule[]
  readonly roles: ReadonlyMap<string, CustomRole>
  readonly at: number
  readonly address: string | null
}

/**
 * Throws REQUEST_INVALID for a role that there is not, NAME_RESERVED for documents of the system (who
 * may open them follows from their names), FORBIDDEN when whoever grants may not share the
 * resource, or would give more than they may themselves: on the resource or anywhere below it, for longer
 * than they have it, or without the condition on which they have it. A denial may be made by owners
 * alone, and by nobody whom it would keep from taking it back: REQUEST_INVALID.
 */
export function requireMayGrant(wanted: StoredGrant, granting: Granting): void {
  const { resource, role, effect } = wanted
  if (resource.startsWith('~')) {
    throw new WeftError('NAME_RESERVED', `${resource} is the system's: nobody is granted it`)
  }
  if (role !== null && !isBuiltIn(role) && !granting.roles.has(role)) {
    throw new WeftError('REQUEST_INVALID', `there is no role "${role}"`)
  }
  requireMayShare(wanted, granting)
  if (isServerRole(role) && resource !== '**') {
    throw new WeftError('REQUEST_INVALID', `${role} is a role of the server: grant it for **`)
  }
  const asLong = { ...granting, rules: lasting(wanted, granting.rules) }
  if (isAdmin(asLong)) return
  requireMayShare(wanted, asLong)
  if (effect === 'deny') {
    requireAll(capabilities, wanted, granting)
    return refuseLockOut(wanted, granting)
  }
  const given = ['share' as const, ...capabilitiesOf(wanted, granting.roles)]
  requireAll(given, wanted, asLong)
  requireAll(given, wanted, granting)
  requireAllBelow(given, wanted, granting)
  requireMayNarrow(wanted, granting)
}

/**
 * Throws FORBIDDEN: taking back is for those who could have given it, and who could give what
 * comes to light when it is gone.
 */
export function requireMayRevoke(grant: StoredGrant, granting: Granting): void {
  requireMayShare(grant, granting)
  if (isAdmin(granting)) return
  const taken = grant.effect === 'deny' ? capabilities : capabilitiesOf(grant, granting.roles)
  requireAll(taken, grant, granting)
  if (grant.effect === 'deny') requireAllBelow(taken, grant, granting)
  else requireMayNarrow(grant, granting)
}

/** Would something that the subject has further out come to light if this grant were gone? */
export function isLimit(
  grant: StoredGrant,
  { rules, roles }: { readonly rules: readonly Rule[]; readonly roles: Granting['roles'] },
): boolean {
  const { capabilities: own, paths } = toRule(grant, roles)
  return farther(grant, rules).some(({ capabilities: some }) =>
    some.some(capability => paths !== null || !own.includes(capability)),
  )
}

/** A role that there is no more may have been anything, and may become anything. */
export function capabilitiesOf(
  { role, capabilities: some }: Pick<StoredGrant, 'role' | 'capabilities'>,
  roles: ReadonlyMap<string, CustomRole>,
): readonly Capability[] {
  if (some !== null) return some
  if (role !== null && isBuiltIn(role)) return roleCapabilities[role]
  return (role === null ? undefined : roles.get(role)?.capabilities) ?? capabilities
}

function requireMayShare({ resource, role }: StoredGrant, granting: Granting): void {
  const sharing = may('share', resource, granting)
  if (!sharing.allowed) throw new WeftError('FORBIDDEN', `share of ${resource}: ${sharing.because}`)
  if (isServerRole(role) && !isAdmin(granting)) {
    throw new WeftError('FORBIDDEN', `only an admin makes somebody ${role} of the server`)
  }
}

function requireAll(given: readonly Capability[], wanted: StoredGrant, granting: Granting): void {
  for (const capability of given) {
    const own = may(capability, wanted.resource, granting)
    if (own.allowed && own.paths === null) continue
    throw tooMuch(granting, capability, wanted.resource)
  }
}

/** Who may not do something on one document of a space gives nobody the whole space. */
function requireAllBelow(
  given: readonly Capability[],
  { resource }: StoredGrant,
  granting: Granting,
): void {
  const { by, below } = granting
  if (below === 'all') {
    throw new WeftError('FORBIDDEN', `there are too many grants below ${resource} to look through`)
  }
  const said = tokenRules(by).filter(rule => matches(resource, rule.resource))
  const byResource = Map.groupBy([...granting.rules, ...below], rule => rule.resource)
  const places = new Set([...said, ...below].map(rule => rule.resource))
  places.delete(resource)
  for (const place of places) {
    const rules = [...new Set(patternsOf(place))].flatMap(pattern => byResource.get(pattern) ?? [])
    for (const capability of given) {
      const own = may(capability, place, { ...granting, rules })
      if (!own.allowed || own.paths !== null) throw tooMuch(granting, capability, place)
    }
  }
}

/**
 * A nearer grant takes the place of what the same subject has further out, for worse as well: only
 * those who could give that may do so. What is there on the same level has done it before.
 */
function requireMayNarrow(wanted: StoredGrant, granting: Granting): void {
  const { resource, id } = wanted
  const others = granting.subjectRules.filter(rule => rule.effect === 'allow' && rule.id !== id)
  const stands = (rule: Rule) => rule.expiresAt === Infinity && rule.condition === null
  if (others.some(rule => rule.resource === resource && stands(rule))) return
  for (const capability of farther(wanted, others).flatMap(rule => rule.capabilities)) {
    if (!may(capability, resource, granting).allowed) throw tooMuch(granting, capability, resource)
  }
}

function farther({ resource }: StoredGrant, rules: readonly Rule[]): readonly Rule[] {
  return rules.filter(
    rule => rule.effect === 'allow' && nearness(rule.resource) < nearness(resource),
  )
}

/** A denial that keeps out whoever makes it could be taken back by an admin alone. */
function refuseLockOut(wanted: StoredGrant, granting: Granting): void {
  if (!subjectsOf(granting.by).includes(wanted.subject)) return
  const denial: Rule = { ...toRule(wanted, granting.roles), condition: null }
  const others = granting.rules.filter(rule => rule.id !== wanted.id)
  if (may('share', wanted.resource, { ...granting, rules: [...others, denial] }).allowed) return
  throw new WeftError('REQUEST_INVALID', 'it would keep you yourself from taking it back')
}

/** What of it is there for as long as the wanted grant, and on no other condition. */
function lasting({ expiresAt, condition }: StoredGrant, rules: readonly Rule[]): readonly Rule[] {
  const end = expiresAt ?? Infinity
  return rules.filter(
    rule =>
      rule.effect === 'deny' ||
      (rule.expiresAt >= end && (rule.condition === null || rule.condition.text === condition)),
  )
}

type Asking = Pick<Granting, 'by' | 'rules' | 'at' | 'address'>

function may(capability: Capability, resource: string, { by: principal, ...asking }: Asking) {
  const { rules, at, address } = asking
  return decide({ principal, rules, resource, capability, at, address })
}

function isAdmin({ by: principal, rules, at, address }: Asking): boolean {
  return decideServer({ principal, rules, roles: ['admin'], at, address }).allowed
}

function tooMuch({ by }: Granting, capability: Capability, resource: string): WeftError {
  return new WeftError('FORBIDDEN', `${by.id} may not give ${capability} of ${resource}`)
}
