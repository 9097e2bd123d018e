/** What each user may do in a second: by kind, or by a role of theirs for which something else is said. */
import { z } from 'zod'
import { roles, type Principal, type PrincipalKind, type Role } from '../../shared/permissions.ts'
import type { Rate } from './bucket.ts'

export type RateTiers = {
  readonly kinds: Readonly<Record<PrincipalKind, Rate>>
  readonly roles: ReadonlyMap<Role, Rate>
}

const rate = z.strictObject({
  rate: z.number().positive(),
  /** At once, after a pause. */
  burst: z.number().int().min(1),
})
const tier = (perSecond: number, burst: number) => rate.default({ rate: perSecond, burst })

const schema = z.strictObject({
  user: tier(100, 2_000),
  agent: tier(50, 500),
  service: tier(500, 5_000),
  roles: z.partialRecord(z.enum(roles), rate).default({}),
})

/** The kinds that are left out keep their default; roles have none. */
export const tierSchema = schema.transform((told): RateTiers => {
  const { user, agent, service } = told
  const kinds = { user: toRate(user), agent: toRate(agent), service: toRate(service) }
  const ofRoles = roles.flatMap(role => {
    const found = told.roles[role]
    return found === undefined ? [] : [[role, toRate(found)] as const]
  })
  return { kinds, roles: new Map(ofRoles) }
})

/**
 * Of the roles that the token grants, for whatever resource, the one that may do most; without one that
 * has a tier, the kind. The store is not asked: limits come before everything that costs.
 */
export function tierOf({ kinds, roles: tiers }: RateTiers, { kind, grants }: Principal): Rate {
  const rates = grants.flatMap(({ role }) => tiers.get(role) ?? [])
  return rates.toSorted((a, b) => b.perSecond - a.perSecond)[0] ?? kinds[kind]
}

function toRate({ rate: perSecond, burst }: z.output<typeof rate>) {
  return { perSecond, burst }
}
