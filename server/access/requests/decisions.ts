/** What somebody answers to a request: who may, and what follows. */
import { unreachable } from '../../../shared/assert.ts'
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import { actorOf, type By } from '../grants/grant-events.ts'
import type { Deciders, Standing } from './deciders.ts'
import { narrowed, type DecisionInput, type StoredDecision, type StoredRequest } from './request.ts'
import { nextProgress, type RequestEvent } from './request-state.ts'
import type { Transition } from './transitions.ts'

export type DecisionsOptions = {
  readonly deciders: Deciders
  readonly clock: Clock
}

type Asked = {
  readonly by: By
  readonly request: StoredRequest
  readonly order: DecisionInput
  readonly standing: Standing
}

export class Decisions {
  readonly #options: DecisionsOptions

  constructor(options: DecisionsOptions) {
    this.#options = options
  }

  /**
   * Throws FORBIDDEN for who is not asked, decides on what they ask for themselves, or would give more
   * than was asked for or than they have; ACCESS_REQUEST_DECIDED when it does not wait for this.
   */
  async transition(asked: Asked): Promise<Transition> {
    const { by, request, order } = asked
    const as = await this.#requireMayDecide(asked)
    const after = order.decision === 'approve' ? narrowed(request, order) : request
    if (order.decision === 'approve') {
      requireFirstApproval(asked)
      await this.#options.deciders.requireMayGive(by, after)
    }
    const decision = this.#decision(asked, as)
    const decisions = [...request.decisions, decision]
    const progress = nextProgress(request.plan, request.progress, this.#event(order, decisions))
    if (progress === undefined) throw decided(request)
    const isLast = progress.status !== 'pending'
    const giver = { grantedBy: by.principal.id, sponsor: request.plan.sponsor ?? by.principal.id }
    return {
      before: request,
      after: {
        ...after,
        progress,
        decisions,
        decidedAt: isLast ? this.#options.clock.now() : null,
      },
      actor: actorOf(by),
      action: actionOf(order),
      details: { decision: order.decision, reason: decision.reason, step: decision.step, as },
      ...(order.decision === 'approve' && isLast ? { giver } : {}),
    }
  }

  /** As whom: those of the approvers that they are. */
  async #requireMayDecide({ by, request, order, standing }: Asked): Promise<readonly string[]> {
    const { deciders } = this.#options
    const { decision, override } = order
    const isWaitedFor = statusesFor[decision].includes(request.progress.status)
    if (!isWaitedFor) throw decided(request)
    if (standing.isOwn(request)) {
      // What somebody was given they may give up; the review of an emergency goes on without.
      if (decision === 'revoke' && request.progress.status === 'granted') return []
      throw new WeftError('FORBIDDEN', 'nobody decides on what they ask for themselves')
    }
    if (override) {
      await deciders.requireAdmin(by)
      return []
    }
    const as = standing.actsAs(request)
    if (as.length > 0) return as
    if (decision !== 'revoke') throw new WeftError('FORBIDDEN', `${by.principal.id} is not asked`)
    // A grant is the business of those who could have made it.
    await deciders.requireMayGive(by, request)
    return []
  }

  #decision({ by, request, order }: Asked, as: readonly string[]): StoredDecision {
    const { progress } = request
    return {
      step: progress.status === 'pending' ? progress.step : 0,
      by: by.principal.id,
      as,
      decision: order.decision,
      isOverride: order.override,
      reason: order.reason ?? null,
      at: this.#options.clock.now(),
    }
  }

  #event({ decision, override }: DecisionInput, all: readonly StoredDecision[]): RequestEvent {
    switch (decision) {
      case 'approve': {
        if (override) return { type: 'overruled' }
        const approvals = all.filter(one => one.decision === 'approve')
        return { type: 'approved', approvals, at: this.#options.clock.now() }
      }
      case 'deny':
        return { type: 'denied' }
      case 'confirm':
        return { type: 'confirmed' }
      case 'revoke':
        return { type: 'revoked' }
      default:
        return unreachable(decision)
    }
  }
}

const statusesFor: Readonly<Record<DecisionInput['decision'], readonly string[]>> = {
  approve: ['pending'],
  deny: ['pending'],
  confirm: ['review'],
  revoke: ['review', 'granted'],
}

/** One person is one approval, however many steps there are: or two steps would be none. */
function requireFirstApproval({ by, request, order }: Asked): void {
  const hasApproved = request.decisions.some(
    one => one.decision === 'approve' && one.by === by.principal.id,
  )
  if (!hasApproved || order.override) return
  throw new WeftError('ACCESS_REQUEST_DECIDED', `${by.principal.id} has approved it already`)
}

function decided({ progress }: StoredRequest): WeftError {
  return new WeftError('ACCESS_REQUEST_DECIDED', `the request is ${progress.status}`)
}

function actionOf({ decision, override }: DecisionInput): string {
  if (override) return 'request.override'
  if (decision === 'approve' || decision === 'deny') return `request.${decision}`
  return decision === 'confirm' ? 'request.review' : 'request.revoke'
}
