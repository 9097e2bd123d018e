/** Roles as data, and the one pure function that says who may do what. */
import { z } from 'zod'

export const capabilities = ['read', 'comment', 'write', 'create', 'delete', 'share'] as const
export type Capability = (typeof capabilities)[number]

/** What each role may do with a document. Server roles act on the server, admins on everything. */
export const roleCapabilities = {
  viewer: ['read'],
  commenter: ['read', 'comment'],
  editor: ['read', 'comment', 'write', 'create'],
  owner: capabilities,
  admin: capabilities,
  operator: [],
  analyst: [],
} as const satisfies Record<string, readonly Capability[]>

/** Roles that act on the server itself; they count when they are granted for `**`. */
export const serverRoles = ['admin', 'operator', 'analyst'] as const
export type ServerRole = (typeof serverRoles)[number]

export type Role = keyof typeof roleCapabilities
export const roles = Object.keys(roleCapabilities) as [Role, ...Role[]]

/** A document name, a prefix ending in `/**`, or `**` for everything. */
const resourcePattern = z
  .string()
  .min(1)
  .max(260)
  .regex(/^(\*\*|[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*(\/\*\*)?)$/)

export const grantSchema = z.object({ resource: resourcePattern, role: z.enum(roles) })
export type Grant = z.infer<typeof grantSchema>

export const principalKinds = ['user', 'agent', 'service'] as const
export type PrincipalKind = (typeof principalKinds)[number]

/** Whoever acts: read from a token once, then carried through every call. */
export type Principal = {
  /** The token's `sub`; the author of this principal's edits. */
  readonly id: string
  readonly name: string
  readonly kind: PrincipalKind
  readonly tenant: string | null
  readonly grants: readonly Grant[]
  /** When the token ends, ms since 1970. */
  readonly expiresAt: number
}

export type Decision =
  | {
      readonly allowed: true
      readonly because: string
      /** The instant from which this answer no longer holds, ms since 1970. */
      readonly until: number
    }
  | { readonly allowed: false; readonly because: string }

export type Question = {
  readonly principal: Principal
  readonly resource: string
  readonly capability: Capability
  /** The instant of the question, ms since 1970. */
  readonly at: number
}

/** May this principal do that? Pure: the same question has the same answer on page and server. */
export function decide({ principal, resource, capability, at }: Question): Decision {
  if (at >= principal.expiresAt) return { allowed: false, because: 'the token has expired' }
  for (const grant of principal.grants) {
    if (!matches(grant.resource, resource)) continue
    const allows: readonly Capability[] = roleCapabilities[grant.role]
    if (!allows.includes(capability)) continue
    return {
      allowed: true,
      because: `${grant.role} of ${grant.resource}`,
      until: principal.expiresAt,
    }
  }
  return { allowed: false, because: `no grant of ${principal.id} allows ${capability}` }
}

export type ServerQuestion = {
  readonly principal: Principal
  /** Any one of them is enough. */
  readonly roles: readonly ServerRole[]
  readonly at: number
}

/** May this principal act on the server in one of these roles? Owning all documents is no such role. */
export function decideServer({ principal, roles, at }: ServerQuestion): Decision {
  if (at >= principal.expiresAt) return { allowed: false, because: 'the token has expired' }
  const grant = principal.grants.find(
    ({ resource, role }) => resource === '**' && roles.some(allowed => allowed === role),
  )
  return grant === undefined
    ? { allowed: false, because: `${principal.id} is no ${roles.join(' or ')} of this server` }
    : { allowed: true, because: `${grant.role} of the server`, until: principal.expiresAt }
}

/** Does the pattern cover the name? `a/**` covers `a/b` and `a/b/c`, and not `a` or `ab`. */
export function matches(pattern: string, resource: string): boolean {
  if (pattern === '**') return true
  if (pattern.endsWith('/**')) return resource.startsWith(pattern.slice(0, -2))
  return pattern === resource
}
