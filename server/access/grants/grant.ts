/** A grant as it is given and kept: who may do what, where, until when, and who said so. */
import { z } from 'zod'
import type { Rule, Subject } from '../../../shared/decide.ts'
import {
  capabilities,
  resourcePattern,
  roleCapabilities,
  type Capability,
  type Principal,
} from '../../../shared/permissions.ts'
import { readStoredCondition } from '../condition.ts'

/** `*` is everybody who has a valid token. */
export const subjectText = z.string().regex(/^(\*|(user|group):.{1,200})$/, {
  error: 'a subject is *, user:<id> or group:<name>',
})

export const roleName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/)

const PATHS_MAX = 50

/** Exactly one of `role` and `capabilities`. */
export const grantInput = z
  .strictObject({
    subject: subjectText,
    resource: resourcePattern,
    effect: z.enum(['allow', 'deny']).default('allow'),
    role: roleName.optional(),
    capabilities: z.array(z.enum(capabilities)).min(1).optional(),
    /** Writing is limited to these shared types. */
    paths: z.array(z.string().min(1).max(200)).min(1).max(PATHS_MAX).optional(),
    condition: z.string().min(1).max(1_000).optional(),
    /** Ms since 1970. */
    expiresAt: z.int().positive().optional(),
    /** Who answers for a guest. */
    sponsor: z.string().min(1).max(200).optional(),
  })
  .refine(({ role, capabilities }) => (role === undefined) !== (capabilities === undefined), {
    error: 'say either a role or capabilities',
  })
export type GrantInput = z.output<typeof grantInput>

/** What can be changed of a grant; what it is about cannot. */
export const grantChange = z.strictObject({
  role: roleName.optional(),
  capabilities: z.array(z.enum(capabilities)).min(1).optional(),
  paths: z.array(z.string().min(1).max(200)).min(1).max(PATHS_MAX).nullish(),
  condition: z.string().min(1).max(1_000).nullish(),
  expiresAt: z.int().positive().nullish(),
})
export type GrantChange = z.output<typeof grantChange>

export type GrantStatus = 'active' | 'revoked' | 'expired'

export type StoredGrant = Omit<GrantInput, 'role' | 'capabilities' | 'paths' | 'condition'> & {
  readonly id: string
  readonly role: string | null
  readonly capabilities: readonly Capability[] | null
  readonly paths: readonly string[] | null
  readonly condition: string | null
  readonly grantedBy: string
  /** Ms since 1970. */
  readonly createdAt: number
  readonly status: GrantStatus
}

/** A role of the installation, beside the built-in ones. */
export type CustomRole = {
  readonly name: string
  readonly capabilities: readonly Capability[]
  readonly paths: readonly string[] | null
}

export function isBuiltIn(role: string): role is keyof typeof roleCapabilities {
  return Object.hasOwn(roleCapabilities, role)
}

/** The subjects that a principal is, as they stand in grants. */
export function subjectsOf({ id, groups }: Pick<Principal, 'id' | 'groups'>): readonly string[] {
  return ['*', `user:${id}`, ...groups.map(name => `group:${name}`)]
}

/** A principal that is this subject and, but for `*`, no other. */
export function whoIs(subject: string): Pick<Principal, 'id' | 'groups'> {
  const [kind, ...rest] = subject.split(':')
  const name = rest.join(':')
  return { id: kind === 'user' ? name : '', groups: kind === 'group' ? [name] : [] }
}

/** The subject of a rule as it stands in grants; `id` is the principal's whose rule it is. */
export function subjectOf({ subject }: Rule, id: string): string {
  if (subject.kind === 'everyone') return '*'
  return subject.kind === 'group' ? `group:${subject.name}` : `user:${id}`
}

/** A role that is not known any more allows nothing, and denies everything. */
export function toRule(grant: StoredGrant, customRoles: ReadonlyMap<string, CustomRole>): Rule {
  const { id, subject, resource, effect, role, expiresAt, condition } = grant
  const custom = role === null ? undefined : customRoles.get(role)
  const unknown: readonly Capability[] = effect === 'deny' ? capabilities : []
  const ofRole = role !== null && isBuiltIn(role) ? roleCapabilities[role] : custom?.capabilities
  return {
    id,
    subject: toSubject(subject),
    resource,
    effect,
    role,
    capabilities: grant.capabilities ?? ofRole ?? unknown,
    paths: grant.paths ?? custom?.paths ?? null,
    expiresAt: expiresAt ?? Infinity,
    condition: condition === null ? null : readStoredCondition(condition, effect),
  }
}

function toSubject(text: string): Subject {
  if (text === '*') return { kind: 'everyone' }
  if (text.startsWith('group:')) return { kind: 'group', name: text.slice('group:'.length) }
  return { kind: 'self' }
}

/** What is null is taken away, what is left out stays. */
export function changed(before: StoredGrant, change: GrantChange): StoredGrant {
  const { role, capabilities, paths, condition, expiresAt } = change
  const { expiresAt: _, ...kept } = before
  const end = expiresAt === undefined ? before.expiresAt : (expiresAt ?? undefined)
  return {
    ...kept,
    role: role ?? (capabilities === undefined ? before.role : null),
    capabilities: capabilities ?? (role === undefined ? before.capabilities : null),
    paths: paths === undefined ? before.paths : paths,
    condition: condition === undefined ? before.condition : condition,
    ...(end === undefined ? {} : { expiresAt: end }),
  }
}
