/** The vocabulary of access: capabilities, roles as data, patterns, and who a principal is. */
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
  // Other names for people who work together, and for those who look after them.
  readonly: ['read'],
  peer: ['read', 'comment', 'write', 'create'],
  supervisor: ['read', 'comment', 'write', 'create', 'share'],
} as const satisfies Record<string, readonly Capability[]>

/** Roles that act on the server itself; they count when they are granted for `**`. */
export const serverRoles = ['admin', 'operator', 'analyst'] as const
export type ServerRole = (typeof serverRoles)[number]

/** Also of roles that are not built in: those act on documents alone. */
export function isServerRole(role: string | null | undefined): role is ServerRole {
  return serverRoles.some(one => one === role)
}

export type Role = keyof typeof roleCapabilities
export const roles = Object.keys(roleCapabilities) as [Role, ...Role[]]

/** A document name, a prefix ending in `/**`, or `**` for everything. */
export const resourcePattern = z
  .string()
  .min(1)
  .max(260)
  .regex(/^(\*\*|[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*(\/\*\*)?)$/)

/** What a token says of its holder's access. */
export const grantSchema = z.object({ resource: resourcePattern, role: z.enum(roles) })
export type Grant = z.infer<typeof grantSchema>

export const principalKinds = ['user', 'agent', 'service'] as const
export type PrincipalKind = (typeof principalKinds)[number]

/** Whoever acts: read from a token once, then carried through every call. */
export type Principal = {
  /** The token's `sub`; the author of this principal's edits. */
  readonly id: string
  readonly name: string
  /** The token's `color`, `#rrggbb`; null: one that follows from the id. */
  readonly color: string | null
  /** The token's `avatar`, an https address. */
  readonly avatar: string | null
  readonly kind: PrincipalKind
  readonly tenant: string | null
  /** The token's `groups`. */
  readonly groups: readonly string[]
  readonly grants: readonly Grant[]
  /**
   * Whatever rules allow, it is no more than these would; null: no such limit. Tokens that an API
   * key made have it, or a subject with grants of its own would lead out of what the key may give.
   */
  readonly limits: readonly Grant[] | null
  /** The token's `jti`; null when it has none, and cannot be revoked by itself. */
  readonly tokenId: string | null
  /** The token's `iss`. */
  readonly issuer: string | null
  /** All that the token says, for conditions. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The token's `exp`, ms since 1970: from then on nothing is written. */
  readonly writesUntil: number
  /** When the token is taken no more, ms since 1970: its end, and what clocks may differ. */
  readonly expiresAt: number
}

/** Does the pattern cover the name? `a/**` covers `a/b` and `a/b/c`, and not `a` or `ab`. */
export function matches(pattern: string, resource: string): boolean {
  if (pattern === '**') return true
  if (pattern.endsWith('/**')) return resource.startsWith(pattern.slice(0, -2))
  return pattern === resource
}

/**
 * How near a pattern that covers a name is to it: 0 for `**`, more for each segment, most for the
 * name itself. The first segment of a name is its tenant, what lies between are spaces.
 */
export function nearness(pattern: string): number {
  if (pattern === '**') return 0
  const segments = pattern.split('/').length
  return pattern.endsWith('/**') ? segments - 1 : Number.MAX_SAFE_INTEGER
}

/** All patterns that cover the name, the nearest first. */
export function patternsOf(name: string): readonly string[] {
  const segments = name.split('/')
  const spaces = segments.slice(1).map((_, i) => `${segments.slice(0, i + 1).join('/')}/**`)
  return [name, ...spaces.toReversed(), '**']
}

/** Do these limits leave room for it? */
export function isWithinLimits(
  { limits }: Principal,
  resource: string,
  capability: Capability,
): boolean {
  return (
    limits === null ||
    limits.some(
      limit =>
        matches(limit.resource, resource) &&
        roleCapabilities[limit.role].some(one => one === capability),
    )
  )
}

/** Do these limits leave room for acting on the server in this role? An admin has all of them. */
export function isRoleWithinLimits({ limits }: Principal, role: ServerRole): boolean {
  return (
    limits === null ||
    limits.some(limit => limit.resource === '**' && (limit.role === role || limit.role === 'admin'))
  )
}
