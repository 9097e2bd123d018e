/** What an API key may do, where, and up to which role: read by people, kept as JSON in its row. */
import { z } from 'zod'
import {
  matches,
  resourcePattern,
  roleCapabilities,
  isServerRole,
  roles,
  type Capability,
  type Grant,
  type Role,
} from '../../../shared/permissions.ts'

export const keyScopes = [
  'tokens:create',
  'documents:read',
  'documents:write',
  'grants:manage',
  'audit:read',
  'admin',
] as const
export type KeyScope = (typeof keyScopes)[number]

const RESOURCES_MAX = 20

/** About the server as a whole: they cannot be had for some documents only. */
const wholeServer: readonly KeyScope[] = ['audit:read', 'admin']

export const keyAuthority = z
  .strictObject({
    scopes: z.array(z.enum(keyScopes)).min(1).max(keyScopes.length),
    /** See {@link matches}; everything, unless said otherwise. */
    resources: z.array(resourcePattern).min(1).max(RESOURCES_MAX).default(['**']),
    /** The most that the key has itself, and gives in tokens. */
    role: z.enum(roles).default('editor'),
  })
  .superRefine(({ scopes, resources, role }, context) => {
    const whole = scopes.find(scope => wholeServer.includes(scope))
    if (whole !== undefined && !resources.includes('**')) {
      context.addIssue(`the scope ${whole} is about the whole server: its resource is **`)
    }
    if (scopes.includes('admin') && role !== 'admin') {
      context.addIssue('the scope admin goes with the role admin')
    }
    if (scopes.includes('documents:write') && !allows(role, 'comment')) {
      context.addIssue('the scope documents:write needs a role that writes or comments')
    }
    if (scopes.includes('grants:manage') && !isRoleWithin('supervisor', role)) {
      context.addIssue('the scope grants:manage needs a role that may share: supervisor, owner')
    }
  })
export type KeyAuthority = z.output<typeof keyAuthority>

/**
 * What the key may do itself. Who may manage grants can make himself a writer, so `grants:manage`
 * is the role that says so.
 */
export function grantsOf({ scopes, resources, role }: KeyAuthority): readonly Grant[] {
  const given: Role[] = []
  if (scopes.includes('documents:read')) given.push('viewer')
  if (scopes.includes('documents:write')) given.push(role === 'admin' ? 'owner' : role)
  if (scopes.includes('grants:manage')) given.push('supervisor')
  const grants: Grant[] = given.flatMap(role => resources.map(resource => ({ resource, role })))
  if (scopes.includes('audit:read')) grants.push({ resource: '**', role: 'analyst' })
  if (scopes.includes('admin')) grants.push({ resource: '**', role: 'admin' })
  return grants
}

/** What no token of this key leaves, whoever its subject is. */
export function limitsOf({ resources, role }: KeyAuthority): readonly Grant[] {
  return resources.map(resource => ({ resource, role }))
}

export const isUnlimited = ({ resources, role }: KeyAuthority): boolean =>
  role === 'admin' && resources.includes('**')

/** The first grant that is more than a token of this key may have. */
export function firstBeyond(
  { resources, role }: KeyAuthority,
  grants: readonly Grant[],
): Grant | undefined {
  return grants.find(
    grant =>
      !isRoleWithin(grant.role, role) ||
      // Patterns are held against each other as names are: `a/**` covers `a/b/**`, and not `**`.
      !resources.some(resource => matches(resource, grant.resource)),
  )
}

/** Is `role` no more than `most`? Roles of the server are in none but themselves and admin. */
export function isRoleWithin(role: Role, most: Role): boolean {
  if (role === most || most === 'admin') return true
  if (isServerRole(role) || isServerRole(most)) return false
  return roleCapabilities[role].every(capability => allows(most, capability))
}

const allows = (role: Role, capability: Capability): boolean =>
  roleCapabilities[role].some(one => one === capability)
