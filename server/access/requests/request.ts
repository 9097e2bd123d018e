/** A request for access as it is made and kept. */
import { z } from 'zod'
import { WeftError } from '../../../shared/errors.ts'
import { requestDecisions, type RequestDecision } from '../../../shared/access-views.ts'
import { resourcePattern } from '../../../shared/permissions.ts'
import { accessDuration, documentRole, isWithin, type DocumentRole } from './access-policy.ts'
import type { Approval } from './approvals.ts'
import type { Plan, Progress } from './request-state.ts'

const reason = z.string().trim().min(1).max(1_000)

export const requestInput = z.strictObject({
  resource: resourcePattern,
  role: documentRole,
  reason: reason.optional(),
  /** Ms from the approval on; left out: as long as the policy allows. */
  durationMs: accessDuration.optional(),
})
export type RequestInput = z.output<typeof requestInput>

export const emergencyInput = requestInput.extend({ reason })
export type EmergencyInput = z.output<typeof emergencyInput>

export const decisionInput = z
  .strictObject({
    decision: z.enum(requestDecisions),
    reason: reason.optional(),
    role: documentRole.optional(),
    durationMs: accessDuration.optional(),
    /** Past all steps, for admins. */
    override: z.boolean().default(false),
  })
  .refine(({ override, reason: why }) => !override || why !== undefined, {
    error: 'reason: whoever overrides says why',
  })
  .refine(
    ({ decision, role, durationMs }) =>
      decision === 'approve' || (role === undefined && durationMs === undefined),
    { error: 'role and durationMs belong to an approval' },
  )
export type DecisionInput = z.output<typeof decisionInput>

export type StoredDecision = Approval & {
  readonly decision: RequestDecision
  readonly isOverride: boolean
  readonly reason: string | null
  /** Ms since 1970. */
  readonly at: number
}

export type Requester = {
  /** The `sub` of the token. */
  readonly id: string
  readonly name: string
  readonly kind: string
  /** Only tokens of this issuer are to have what is given; null: all of the subject. */
  readonly issuer: string | null
}

export type StoredRequest = {
  readonly id: string
  readonly version: number
  readonly resource: string
  /** What was asked for, or what approvers have left of it. */
  readonly role: DocumentRole
  readonly durationMs: number
  readonly reason: string | null
  readonly requester: Requester
  readonly isEmergency: boolean
  readonly plan: Plan
  readonly progress: Progress
  readonly decisions: readonly StoredDecision[]
  readonly grantId: string | null
  /** Of the grant as it is now; null: there is none, or it has no end. */
  readonly grantEndsAt: number | null
  /** Ms since 1970. */
  readonly createdAt: number
  readonly decidedAt: number | null
}

/** The request with less in it. Throws FORBIDDEN when it would be more. */
export function narrowed(
  request: StoredRequest,
  {
    role = request.role,
    durationMs = request.durationMs,
  }: Pick<DecisionInput, 'role' | 'durationMs'>,
): StoredRequest {
  if (!isWithin(role, request.role)) {
    throw new WeftError('FORBIDDEN', `${role} is more than the ${request.role} that was asked for`)
  }
  if (durationMs > request.durationMs) {
    throw new WeftError('FORBIDDEN', 'that is longer than what was asked for')
  }
  return { ...request, role, durationMs }
}
