/** What REST says of access, and the sdk hands on: requests, grants, answers. Instants are ISO 8601. */
import type { Capability } from './permissions.ts'

/**
 * `review`: access was given in an emergency, and somebody looks at it afterwards. `granted` until the
 * grant ends (`ended`) or is taken back (`revoked`); `expired`: nobody answered in time.
 */
export const requestStatuses = [
  'pending',
  'review',
  'granted',
  'denied',
  'expired',
  'cancelled',
  'revoked',
  'ended',
] as const
export type RequestStatus = (typeof requestStatuses)[number]

/** `approve` and `deny` what is pending, `confirm` what is in review, `revoke` what was given. */
export const requestDecisions = ['approve', 'deny', 'confirm', 'revoke'] as const
export type RequestDecision = (typeof requestDecisions)[number]

export type DecisionView = {
  /** The subject of the token. */
  readonly by: string
  readonly decision: RequestDecision
  readonly reason: string | null
  /** The step of the policy that it answered, counted from 0. */
  readonly step: number
  /** An admin decided past the steps. */
  readonly override: boolean
  readonly at: string
}

export type AccessRequestView = {
  readonly id: string
  readonly resource: string
  readonly status: RequestStatus
  /** What is given, or would be: what was asked for, or less. */
  readonly role: string
  readonly durationMs: number
  readonly reason: string | null
  /** The subject of the token that asked. */
  readonly requestedBy: string
  /** As the token calls them. */
  readonly requesterName: string
  readonly requesterKind: string
  readonly emergency: boolean
  readonly createdAt: string
  /** When the present step is over; null when nothing waits for its time. */
  readonly decideBy: string | null
  /** Since when it has this status; null while it is pending. */
  readonly decidedAt: string | null
  readonly grantId: string | null
  /** When the access ends, or has ended. */
  readonly expiresAt: string | null
  /** Who is asked just now: `user:<id>`, `group:<name>`, `owners`. Told to those who may decide. */
  readonly awaiting: readonly string[]
  /** May whoever asks decide it now? */
  readonly mayDecide: boolean
  readonly decisions: readonly DecisionView[]
}

export type GrantStatus = 'active' | 'revoked' | 'expired'

export type GrantView = {
  readonly id: string
  /** `user:<id>`, `group:<name>`, or `*` for everybody with a valid token. */
  readonly subject: string
  readonly resource: string
  readonly effect: 'allow' | 'deny'
  readonly role: string | null
  readonly capabilities: readonly Capability[] | null
  readonly paths: readonly string[] | null
  readonly condition: string | null
  readonly grantedBy: string
  readonly sponsor: string | null
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly status: GrantStatus
}

export type ExplainView = {
  readonly allowed: boolean
  readonly because: string
  /** The answer may be another one from then on; null: when a grant changes. */
  readonly until: string | null
  /** Writing is limited to these shared types; null: all of the document. */
  readonly paths: readonly string[] | null
}
