/** What becomes of a request, as one union and one table: pure, without I/O and without a clock. */
import { unreachable } from '../../../shared/assert.ts'
import type { RequestStatus } from '../../../shared/access-views.ts'
import { areAllAnswered, type Approval } from './approvals.ts'

/** Who is asked: `user:<id>`, `group:<name>`, or `owners`, who are all that may share the resource. */
export type Approver = string

export type Step = {
  /** `all`: each of them is answered for, by somebody of its own. */
  readonly mode: 'any' | 'all'
  readonly approvers: readonly Approver[]
  readonly timeoutMs: number
}

/** The part of a policy by which a request is decided. */
export type Plan = {
  readonly steps: readonly Step[]
  readonly onTimeout: 'deny' | 'escalate'
  /** Asked as well once the time of a step is over; any one of them settles it. */
  readonly escalateTo: readonly Approver[]
  /** Who looks at what was given in an emergency. */
  readonly reviewBy: readonly Approver[]
  /** Who answers for the guest; null: whoever approves last. */
  readonly sponsor: string | null
}

export type Pending = {
  readonly status: 'pending'
  /** Index into the steps of the plan. */
  readonly step: number
  readonly isEscalated: boolean
  /** Ms since 1970. */
  readonly decideBy: number
}

export type Progress = Pending | { readonly status: Exclude<RequestStatus, 'pending'> }

export type RequestEvent =
  /** `approval` is the latest of `approvals`, which are all there are, of earlier steps too. */
  | { readonly type: 'approved'; readonly approvals: readonly Approval[]; readonly at: number }
  | { readonly type: 'denied' }
  /** An admin gives it, past all steps. */
  | { readonly type: 'overruled' }
  /** Time goes by. */
  | { readonly type: 'time'; readonly at: number }
  | { readonly type: 'cancelled' }
  | { readonly type: 'confirmed' }
  | { readonly type: 'revoked' }
  /** The grant is over by itself. */
  | { readonly type: 'ended' }

/** Where a request begins. */
export function begin({ steps }: Plan, at: number): Pending {
  return { status: 'pending', step: 0, isEscalated: false, decideBy: at + timeoutOf(steps, 0) }
}

/**
 *            approved  denied  overruled  time  cancelled  confirmed  revoked  ended
 *   pending  *         denied  granted    **    cancelled  -          -        -
 *   review   -         -       -          -     -          granted    revoked  -
 *   granted  -         -       -          -     -          -          revoked  ended
 *
 * `*` the same step until that is settled, then the next one, then granted. `**` nothing before its
 * time; then the same step with more who are asked, once, or expired. All other states are ends.
 * Undefined (`-`): the event does not fit, and nothing has happened.
 */
export function nextProgress(
  plan: Plan,
  progress: Progress,
  event: RequestEvent,
): Progress | undefined {
  switch (progress.status) {
    case 'pending':
      return nextPending(plan, progress, event)
    case 'review':
      if (event.type === 'confirmed') return { status: 'granted' }
      return event.type === 'revoked' ? { status: 'revoked' } : undefined
    case 'granted':
      if (event.type === 'ended') return { status: 'ended' }
      return event.type === 'revoked' ? { status: 'revoked' } : undefined
    case 'denied':
    case 'expired':
    case 'cancelled':
    case 'revoked':
    case 'ended':
      return undefined
    default:
      return unreachable(progress)
  }
}

function nextPending(plan: Plan, pending: Pending, event: RequestEvent): Progress | undefined {
  switch (event.type) {
    case 'approved':
      return afterApproval(plan, pending, event)
    case 'denied':
      return { status: 'denied' }
    case 'overruled':
      return { status: 'granted' }
    case 'cancelled':
      return { status: 'cancelled' }
    case 'time':
      return afterTime(plan, pending, event.at)
    case 'confirmed':
    case 'revoked':
    case 'ended':
      return undefined
    default:
      return unreachable(event)
  }
}

/** Who is asked just now. */
export function askedNow(plan: Plan, progress: Progress): readonly Approver[] {
  if (progress.status === 'review') return plan.reviewBy
  if (progress.status !== 'pending') return []
  const asked = plan.steps[progress.step]?.approvers ?? []
  return progress.isEscalated ? [...new Set([...asked, ...plan.escalateTo])] : asked
}

/** All that are, were or may be asked. */
export function askedEver({ steps, escalateTo, reviewBy }: Plan): readonly Approver[] {
  return [...steps.flatMap(({ approvers }) => approvers), ...escalateTo, ...reviewBy]
}

type Approved = Extract<RequestEvent, { readonly type: 'approved' }>

function afterApproval(plan: Plan, pending: Pending, { approvals, at }: Approved): Progress {
  if (!isSettled(plan, pending, approvals)) return pending
  const step = pending.step + 1
  if (step >= plan.steps.length) return { status: 'granted' }
  const decideBy = at + timeoutOf(plan.steps, step)
  return { status: 'pending', step, isEscalated: false, decideBy }
}

function isSettled(plan: Plan, pending: Pending, approvals: readonly Approval[]): boolean {
  const { step, isEscalated } = pending
  const here = approvals.filter(approval => approval.step === step)
  const actsAs = (approver: Approver) => here.some(({ as }) => as.includes(approver))
  if (isEscalated && plan.escalateTo.some(actsAs)) return true
  const { mode, approvers } = plan.steps[step] ?? { mode: 'any', approvers: [] }
  return mode === 'any' ? approvers.some(actsAs) : areAllAnswered(approvers, here)
}

function afterTime(plan: Plan, pending: Pending, at: number): Progress | undefined {
  if (at < pending.decideBy) return undefined
  const mayEscalate = plan.onTimeout === 'escalate' && !pending.isEscalated
  if (!mayEscalate || plan.escalateTo.length === 0) return { status: 'expired' }
  return { ...pending, isEscalated: true, decideBy: at + timeoutOf(plan.steps, pending.step) }
}

function timeoutOf(steps: readonly Step[], index: number): number {
  return steps[index]?.timeoutMs ?? 0
}
