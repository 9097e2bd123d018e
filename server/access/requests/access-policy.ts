/** By which rules access to a resource may be asked for: steps, ceiling, allow-list, emergencies. */
import { z } from 'zod'
import { WeftError } from '../../../shared/errors.ts'
import {
  roleCapabilities,
  serverRoles,
  type Principal,
  type Role,
  type ServerRole,
} from '../../../shared/permissions.ts'
import { matchesGlob } from './globs.ts'
import type { Plan } from './request-state.ts'

const SECOND_MS = 1_000
const DAY_MS = 86_400_000

export type DocumentRole = Exclude<Role, ServerRole>
const isDocumentRole = (role: string): role is DocumentRole =>
  Object.hasOwn(roleCapabilities, role) && !serverRoles.some(one => one === role)
const documentRoles = Object.keys(roleCapabilities).filter(isDocumentRole)

/** The built-in roles that say what one may do with documents. */
export const documentRole = z.enum(documentRoles as [DocumentRole, ...DocumentRole[]])

const person = z.string().regex(/^(user|group):.{1,200}$/, {
  error: 'write user:<id> or group:<name>',
})
const approver = z.union([z.literal('owners'), person], {
  error: 'an approver is user:<id>, group:<name> or owners',
})
const approvers = z.array(approver).min(1).max(20)
/** Ms. */
export const accessDuration = z
  .int()
  .min(SECOND_MS)
  .max(366 * DAY_MS)

const allowEntry = z.strictObject({
  /** Stands in a condition of the grant, so nothing in it may need quoting. */
  issuer: z
    .string()
    .regex(/^[!#-&(-[\]-~]{1,300}$/)
    .optional(),
  /** Of tokens (`sub`); `*` stands for any characters. */
  subjects: z.array(z.string().min(1).max(200)).min(1).max(100),
})

export const accessPolicy = z
  .strictObject({
    steps: z
      .array(
        z.strictObject({
          mode: z.enum(['any', 'all']),
          approvers,
          timeoutMs: z
            .int()
            .min(SECOND_MS)
            .max(90 * DAY_MS),
        }),
      )
      .min(1)
      .max(10),
    onTimeout: z.enum(['deny', 'escalate']).default('deny'),
    escalateTo: approvers.optional(),
    ceiling: z.strictObject({
      roles: z.array(documentRole).min(1),
      maxDurationMs: accessDuration,
    }),
    /** Left out: everybody with a valid token may ask. */
    allow: z.array(allowEntry).max(50).optional(),
    emergency: z
      .strictObject({
        who: z.array(person).min(1).max(50),
        durationMs: accessDuration,
        reviewBy: approvers,
      })
      .optional(),
    /** Who answers for guests; left out: whoever approves last. */
    sponsor: z.string().min(1).max(200).optional(),
  })
  .refine(({ onTimeout, escalateTo }) => onTimeout === 'deny' || escalateTo !== undefined, {
    error: 'escalateTo: say who is asked after the time of a step',
  })
export type AccessPolicy = z.output<typeof accessPolicy>

export type StoredPolicy = AccessPolicy & {
  readonly pattern: string
  readonly changedBy: string
  /** Ms since 1970. */
  readonly changedAt: number
}

/** Where nobody has said otherwise: whoever may share it decides within a week. */
export const defaultPolicy: AccessPolicy = {
  steps: [{ mode: 'any', approvers: ['owners'], timeoutMs: 7 * DAY_MS }],
  onTimeout: 'deny',
  ceiling: { roles: ['editor'], maxDurationMs: 30 * DAY_MS },
}

export function planOf(policy: AccessPolicy): Plan {
  return {
    steps: policy.steps,
    onTimeout: policy.onTimeout,
    escalateTo: policy.escalateTo ?? [],
    reviewBy: policy.emergency?.reviewBy ?? [],
    sponsor: policy.sponsor ?? null,
  }
}

/**
 * Throws FORBIDDEN for somebody who is not on the list. Answers the issuer that the list names for
 * them: another one's token with the same subject is not who was let in. Null: it names none.
 */
export function requireAllowed({ allow }: AccessPolicy, principal: Principal): string | null {
  if (allow === undefined) return null
  const entry = allow.find(
    ({ issuer, subjects }) =>
      (issuer === undefined || issuer === principal.issuer) &&
      subjects.some(glob => matchesGlob(glob, principal.id)),
  )
  if (entry !== undefined) return entry.issuer ?? null
  throw new WeftError('FORBIDDEN', `${principal.id} is not on the list of who may ask for this`)
}

/** Throws FORBIDDEN when it is more than the policy lets anybody ask for. */
export function requireBelowCeiling({ ceiling }: AccessPolicy, role: DocumentRole): void {
  if (ceiling.roles.some(most => isWithin(role, most))) return
  throw new WeftError('FORBIDDEN', `no more than ${ceiling.roles.join(' or ')} is given here`)
}

/** Is the role no more than the other? */
export function isWithin(role: DocumentRole, most: DocumentRole): boolean {
  const all: readonly string[] = roleCapabilities[most]
  return roleCapabilities[role].every(capability => all.includes(capability))
}
