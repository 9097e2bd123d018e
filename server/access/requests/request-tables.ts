/** The tables of requests, and how their rows become what the code works with. */
import type { RequestStatus } from '../../../shared/access-views.ts'
import type { DocumentRole } from './access-policy.ts'
import type { StoredDecision, StoredRequest } from './request.ts'
import type { Plan, Progress } from './request-state.ts'

/** Postgres answers its large integers as texts. */
type Integer = number | string

export type RequestRow = {
  readonly id: string
  readonly version: Integer
  readonly status: string
  readonly resource: string
  readonly role: string
  readonly duration_ms: Integer
  readonly reason: string | null
  readonly requester: string
  readonly requester_name: string
  readonly requester_kind: string
  readonly issuer: string | null
  readonly is_emergency: number
  /** JSON. */
  readonly plan: string
  readonly step: number
  readonly is_escalated: number
  readonly decide_by: Integer | null
  readonly grant_id: string | null
  readonly created_at: Integer
  readonly decided_at: Integer | null
}

export type DecisionRow = {
  readonly request_id: string
  readonly number: number
  readonly step: number
  readonly decided_by: string
  /** JSON. */
  readonly acts_as: string
  readonly decision: string
  readonly is_override: number
  readonly reason: string | null
  readonly at: Integer
}

export type RequestTables = {
  access_requests: RequestRow
  request_decisions: DecisionRow
  access_policies: {
    readonly pattern: string
    /** JSON. */
    readonly policy: string
    readonly changed_by: string
    readonly changed_at: Integer
  }
  /** Looked at for what became of what was given; changed by the room of grants alone. */
  grants: {
    readonly id: string
    readonly status: string
    readonly expires_at: Integer | null
  }
}

export function toRow(request: StoredRequest): RequestRow {
  const { progress, requester } = request
  const isPending = progress.status === 'pending'
  return {
    id: request.id,
    version: request.version,
    status: progress.status,
    resource: request.resource,
    role: request.role,
    duration_ms: request.durationMs,
    reason: request.reason,
    requester: requester.id,
    requester_name: requester.name,
    requester_kind: requester.kind,
    issuer: requester.issuer,
    is_emergency: request.isEmergency ? 1 : 0,
    plan: JSON.stringify(request.plan),
    step: isPending ? progress.step : 0,
    is_escalated: isPending && progress.isEscalated ? 1 : 0,
    decide_by: isPending ? progress.decideBy : null,
    grant_id: request.grantId,
    created_at: request.createdAt,
    decided_at: request.decidedAt,
  }
}

export type FoundRow = RequestRow & { readonly grant_ends_at: Integer | null }

export function toRequest(row: FoundRow, decisions: readonly DecisionRow[]): StoredRequest {
  return {
    id: row.id,
    version: Number(row.version),
    resource: row.resource,
    role: row.role as DocumentRole,
    durationMs: Number(row.duration_ms),
    reason: row.reason,
    requester: {
      id: row.requester,
      name: row.requester_name,
      kind: row.requester_kind,
      issuer: row.issuer,
    },
    isEmergency: row.is_emergency !== 0,
    plan: JSON.parse(row.plan) as Plan,
    progress: toProgress(row),
    decisions: decisions.map(toDecision),
    grantId: row.grant_id,
    grantEndsAt: row.grant_ends_at === null ? null : Number(row.grant_ends_at),
    createdAt: Number(row.created_at),
    decidedAt: row.decided_at === null ? null : Number(row.decided_at),
  }
}

export function toDecisionRow(
  request: Pick<StoredRequest, 'id'>,
  { number, decision }: { readonly number: number; readonly decision: StoredDecision },
): DecisionRow {
  return {
    request_id: request.id,
    number,
    step: decision.step,
    decided_by: decision.by,
    acts_as: JSON.stringify(decision.as),
    decision: decision.decision,
    is_override: decision.isOverride ? 1 : 0,
    reason: decision.reason,
    at: decision.at,
  }
}

function toProgress({ status, step, is_escalated, decide_by }: RequestRow): Progress {
  if (status !== 'pending') return { status: status as Exclude<RequestStatus, 'pending'> }
  return { status, step, isEscalated: is_escalated !== 0, decideBy: Number(decide_by) }
}

function toDecision(row: DecisionRow): StoredDecision {
  return {
    step: row.step,
    by: row.decided_by,
    as: JSON.parse(row.acts_as) as readonly string[],
    decision: row.decision as StoredDecision['decision'],
    isOverride: row.is_override !== 0,
    reason: row.reason,
    at: Number(row.at),
  }
}
