/** A request for access as REST shows it, to whom it concerns. */
import { z } from '@hono/zod-openapi'
import {
  requestDecisions,
  requestStatuses,
  type AccessRequestView,
} from '../../shared/access-views.ts'
import { askedNow } from '../access/requests/request-state.ts'
import type { Seen } from '../access/requests/requests.ts'

const instant = z.iso.datetime().nullable()

export const requestBody = z
  .object({
    id: z.string(),
    resource: z.string(),
    status: z.enum(requestStatuses),
    role: z.string().openapi({ description: 'What is given, or would be.' }),
    durationMs: z.int(),
    reason: z.string().nullable(),
    requestedBy: z.string(),
    requesterName: z.string(),
    requesterKind: z.string(),
    emergency: z.boolean(),
    createdAt: z.iso.datetime(),
    decideBy: instant.openapi({ description: 'When the present step is over.' }),
    decidedAt: instant.openapi({ description: 'Since when it has this status.' }),
    grantId: z.string().nullable(),
    expiresAt: instant.openapi({ description: 'When the access ends, or has ended.' }),
    awaiting: z.array(z.string()).readonly().openapi({
      description: 'Who is asked just now; told to those who may decide.',
    }),
    mayDecide: z.boolean(),
    decisions: z
      .array(
        z.object({
          by: z.string(),
          decision: z.enum(requestDecisions),
          reason: z.string().nullable(),
          step: z.int(),
          override: z.boolean(),
          at: z.iso.datetime(),
        }),
      )
      .readonly(),
  })
  .openapi('AccessRequest')

export function toRequestView({ request, standing }: Seen): AccessRequestView {
  const { progress, requester, plan, decisions } = request
  return {
    id: request.id,
    resource: request.resource,
    status: progress.status,
    role: request.role,
    durationMs: request.durationMs,
    reason: request.reason,
    requestedBy: requester.id,
    requesterName: requester.name,
    requesterKind: requester.kind,
    emergency: request.isEmergency,
    createdAt: toDate(request.createdAt),
    decideBy: progress.status === 'pending' ? toDate(progress.decideBy) : null,
    decidedAt: request.decidedAt === null ? null : toDate(request.decidedAt),
    grantId: request.grantId,
    expiresAt: request.grantEndsAt === null ? null : toDate(request.grantEndsAt),
    // Guests need not know how the house is organised.
    awaiting: standing.isInsider(request) ? askedNow(plan, progress) : [],
    mayDecide: !standing.isOwn(request) && standing.actsAs(request).length > 0,
    decisions: decisions.map(({ by, decision, reason, step, isOverride, at }) => ({
      by,
      decision,
      reason,
      step,
      override: isOverride,
      at: toDate(at),
    })),
  }
}

function toDate(instantMs: number): string {
  return new Date(instantMs).toISOString()
}
