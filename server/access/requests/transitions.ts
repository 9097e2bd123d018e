/**
 * One step of a request, as one transaction: the request, the grant that it gives or takes back, and
 * their rows in the audit log. What is told to others is told after that.
 */
import type { Transaction } from 'kysely'
import type { AccessEventName } from '../../../shared/events.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { Random } from '../../../shared/random.ts'
import type { AuditEvent } from '../../audit/audit-row.ts'
import type { Audit } from '../../audit/audit.ts'
import type { StoredGrant } from '../grants/grant.ts'
import type { GrantStore } from '../grants/grant-store.ts'
import type { AccessEvents } from './access-events.ts'
import type { StoredRequest } from './request.ts'
import { RequestChanged, type RequestStore } from './request-store.ts'

export type TransitionsOptions = {
  readonly requests: RequestStore
  readonly grants: Pick<GrantStore, 'get' | 'add' | 'close'>
  readonly audit: Pick<Audit, 'write'>
  readonly events: AccessEvents
  /** Resolves when everybody here lives by a changed grant. */
  readonly announce: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
}

export type Transition = {
  /** As it was read; undefined: it is new. */
  readonly before: StoredRequest | undefined
  readonly after: StoredRequest
  readonly actor: Actor
  /** For the audit log, such as `request.approve`. */
  readonly action: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Who gives what is given, and who answers for it. */
  readonly giver?: { readonly grantedBy: string; readonly sponsor: string }
}

export type Actor = Pick<AuditEvent, 'actor' | 'actorKind' | 'tokenId' | 'address' | 'requestId'>

/** Time has done it. */
export const theClock: Actor = { actor: 'weft', actorKind: 'system' }

type GrantStep = { readonly grant: StoredGrant; readonly action: 'grant.create' | 'grant.revoke' }

export class Transitions {
  readonly #options: TransitionsOptions

  constructor(options: TransitionsOptions) {
    this.#options = options
  }

  /**
   * Resolves with the request as it is now, when its grant counts on this node. Rejects with
   * {@link RequestChanged} when somebody else was faster, and nothing has happened.
   */
  async commit(transition: Transition): Promise<StoredRequest> {
    const { requests, grants, announce } = this.#options
    const step = await this.#grantStep(transition)
    const given = step?.action === 'grant.create' ? step.grant : undefined
    const after: StoredRequest =
      given === undefined
        ? transition.after
        : { ...transition.after, grantId: given.id, grantEndsAt: given.expiresAt ?? null }
    const write = (trx: Transaction<unknown>) => this.#write(trx, { ...transition, after }, step)
    if (step === undefined) await requests.transaction(write)
    else if (step.action === 'grant.create') await grants.add(step.grant, write)
    // Somebody else was faster to take it back.
    else if (!(await grants.close(step.grant, 'revoked', write))) throw new RequestChanged()
    if (step !== undefined) await announce()
    this.#tell({ ...transition, after })
    const version = transition.before === undefined ? after.version : transition.before.version + 1
    return { ...after, version }
  }

  async #write(trx: Transaction<unknown>, transition: Transition, step: GrantStep | undefined) {
    const { requests, audit } = this.#options
    const { before, after } = transition
    if (before === undefined) await requests.insert(trx, after)
    else await requests.advance(trx, before, after)
    const events = [requestEvent(transition)]
    if (step !== undefined) events.push(grantEvent(transition, step))
    await audit.write(trx, events)
  }

  async #grantStep({ before, after, giver }: Transition): Promise<GrantStep | undefined> {
    const { grants, clock, random } = this.#options
    const { status } = after.progress
    if (giver !== undefined && (status === 'granted' || status === 'review')) {
      const now = clock.now()
      const grant = grantOf(after, { id: random.id(), now, ...giver })
      return { grant, action: 'grant.create' }
    }
    if (status !== 'revoked' || before?.grantId == null) return undefined
    const grant = await grants.get(before.grantId)
    // It may have ended, or somebody took it back by itself.
    if (grant?.status !== 'active') return undefined
    return { grant: { ...grant, status: 'revoked' }, action: 'grant.revoke' }
  }

  #tell({ before, after, actor }: Transition): void {
    const { events, clock } = this.#options
    const at = clock.now()
    const { id: requestId, resource, requester } = after
    for (const name of eventNames(before, after)) {
      const told = { requestId, resource, requestedBy: requester.id, actor: actor.actor }
      events.emit({ name, at, ...told })
    }
  }
}

type Given = {
  readonly id: string
  readonly now: number
  readonly grantedBy: string
  readonly sponsor: string
}

function grantOf(request: StoredRequest, { id, now, grantedBy, sponsor }: Given): StoredGrant {
  const { requester, resource, role, durationMs } = request
  return {
    id,
    subject: `user:${requester.id}`,
    resource,
    effect: 'allow',
    role,
    capabilities: null,
    paths: null,
    condition: requester.issuer === null ? null : `claims.iss == "${requester.issuer}"`,
    grantedBy,
    sponsor,
    createdAt: now,
    expiresAt: now + durationMs,
    status: 'active',
  }
}

function requestEvent({ after, actor, action, details }: Transition): AuditEvent {
  const { id, resource, role, durationMs, requester, progress } = after
  return {
    ...actor,
    action,
    document: resource,
    decision: 'allow',
    details: { id, requester: requester.id, role, durationMs, status: progress.status, ...details },
  }
}

function grantEvent({ actor, after }: Transition, { grant, action }: GrantStep): AuditEvent {
  const { resource, ...details } = grant
  return {
    ...actor,
    action,
    document: resource,
    decision: 'allow',
    details: { ...details, request: after.id },
  }
}

function eventNames(
  before: StoredRequest | undefined,
  { progress, isEmergency }: StoredRequest,
): readonly AccessEventName[] {
  switch (progress.status) {
    case 'pending': {
      if (before === undefined) return ['access.requested']
      const was = before.progress
      const isNew = was.status === 'pending' && !was.isEscalated && progress.isEscalated
      return isNew ? ['access.escalated'] : []
    }
    case 'review':
      return ['access.granted', 'access.review']
    case 'granted':
      return isEmergency ? ['access.confirmed'] : ['access.granted']
    case 'denied':
      return ['access.denied']
    case 'expired':
      return ['access.expired']
    case 'cancelled':
      return ['access.cancelled']
    case 'revoked':
      return ['access.revoked']
    case 'ended':
      return ['access.ended']
  }
}
