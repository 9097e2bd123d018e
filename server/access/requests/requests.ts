/** Access for those who have none: asked for, decided on, given for a while, and taken back. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Random } from '../../../shared/random.ts'
import type { Audit } from '../../audit/audit.ts'
import { BucketTable, type Rate } from '../../edge/bucket.ts'
import { subjectText } from '../grants/grant.ts'
import { actorOf, attempt, type Attempt, type By } from '../grants/grant-events.ts'
import {
  defaultPolicy,
  planOf,
  requireAllowed,
  requireBelowCeiling,
  type AccessPolicy,
} from './access-policy.ts'
import { approverNamesOf, type Deciders, type Standing } from './deciders.ts'
import { Decisions } from './decisions.ts'
import type { PolicyStore } from './policy-store.ts'
import type { DecisionInput, EmergencyInput, RequestInput, StoredRequest } from './request.ts'
import { begin, nextProgress, type Progress } from './request-state.ts'
import { RequestChanged, type RequestStore } from './request-store.ts'
import type { Transitions } from './transitions.ts'

export type RequestsOptions = {
  readonly store: RequestStore
  readonly policies: Pick<PolicyStore, 'nearest'>
  readonly deciders: Deciders
  readonly transitions: Transitions
  readonly audit: Pick<Audit, 'note'>
  readonly clock: Clock
  readonly random: Random
}

/** A request, and who the one who looks at it is to it. */
export type Seen = { readonly request: StoredRequest; readonly standing: Standing }

export type RequestsQuery = Parameters<RequestStore['list']>[0] & { readonly mine: boolean }

export type SeenPage = {
  readonly seen: readonly Seen[]
  /** The id to go on after; null: that was all. */
  readonly next: string | null
}

/** One principal may ask ten times at once, and once more every six seconds. */
const ASKING: Rate = { perSecond: 1 / 6, burst: 10 }
/** Somebody else was faster: so often the answer is thought over. */
const TRIES = 5
const SCAN_PAGE = 200
/** Requests that are looked through for a page of those that somebody may see. */
const SCAN_MAX = 2_000

export class Requests {
  readonly #options: RequestsOptions
  readonly #decisions: Decisions
  readonly #asking: BucketTable

  constructor(options: RequestsOptions) {
    this.#options = options
    this.#decisions = new Decisions(options)
    this.#asking = new BucketTable(options.clock)
  }

  /**
   * Throws FORBIDDEN where the policy does not let them ask for that, ACCESS_REQUEST_OPEN, and SLOW_DOWN
   * for too many.
   */
  ask(by: By, input: RequestInput): Promise<Seen> {
    return this.#attempt(by, { action: 'request.create', resource: input.resource }, async () => {
      const { transitions, clock } = this.#options
      this.#requirePace(by)
      const policy = await this.#policyOf(input.resource)
      const progress = begin(planOf(policy), clock.now())
      const request = this.#request(by, { input, policy, progress })
      const details = { reason: request.reason }
      const step = { before: undefined, after: request, actor: actorOf(by), details }
      return this.#seen(by, await transitions.commit({ ...step, action: 'request.create' }))
    })
  }

  /** Gives it now, for the short time that the policy allows; throws as `ask` does. */
  emergency(by: By, input: EmergencyInput): Promise<Seen> {
    return this.#attempt(
      by,
      { action: 'request.emergency', resource: input.resource },
      async () => {
        const { policies, transitions, deciders } = this.#options
        this.#requirePace(by)
        const policy = await policies.nearest(input.resource)
        const emergency = policy?.emergency
        const names = approverNamesOf(by.principal)
        if (policy === undefined || !emergency?.who.some(one => names.includes(one))) {
          const sentence = `no policy gives ${by.principal.id} access to this in an emergency`
          throw new WeftError('FORBIDDEN', sentence)
        }
        const durationMs = Math.min(input.durationMs ?? Infinity, emergency.durationMs)
        const request = this.#request(by, {
          input: { ...input, durationMs },
          policy: withCeiling(policy, emergency.durationMs),
          progress: { status: 'review' },
        })
        // It would be a way back in for those who could give this when they made the policy.
        if (by.principal.id === policy.changedBy) await deciders.requireMayGive(by, request)
        // Whoever made the policy has said yes beforehand.
        const giver = { grantedBy: policy.changedBy, sponsor: policy.sponsor ?? policy.changedBy }
        const details = { reason: request.reason, policy: policy.pattern }
        const step = { before: undefined, after: request, actor: actorOf(by), details, giver }
        return this.#seen(by, await transitions.commit({ ...step, action: 'request.emergency' }))
      },
    )
  }

  /** Throws ACCESS_REQUEST_NOT_FOUND, and what {@link Decisions} throws. */
  decide(by: By, id: string, order: DecisionInput): Promise<Seen> {
    return this.#again(by, id, ({ request, standing }) => {
      const what = { action: `request.${order.decision}`, resource: request.resource }
      return this.#attempt(by, what, () =>
        this.#decisions.transition({ by, request, order, standing }),
      )
    })
  }

  /** Only who asked takes it back. */
  cancel(by: By, id: string): Promise<Seen> {
    return this.#again(by, id, async ({ request, standing }) => {
      if (!standing.isOwn(request)) {
        throw new WeftError('FORBIDDEN', 'only who asks for access takes that back')
      }
      const progress = nextProgress(request.plan, request.progress, { type: 'cancelled' })
      if (progress === undefined) {
        throw new WeftError('ACCESS_REQUEST_DECIDED', `the request is ${request.progress.status}`)
      }
      const after = { ...request, progress, decidedAt: this.#options.clock.now() }
      return { before: request, after, actor: actorOf(by), action: 'request.cancel' }
    })
  }

  /** Throws ACCESS_REQUEST_NOT_FOUND, for what is none of their business too. */
  async get(by: By, id: string): Promise<Seen> {
    const { store } = this.#options
    const request = await store.get(id)
    if (request === undefined) throw notFound(id)
    const seen = await this.#seen(by, request)
    if (!maySee(seen)) throw notFound(id)
    return seen
  }

  /** Their own, and those of resources that they may share or decide on; in the order of ids. */
  async list(by: By, { mine, limit, ...query }: RequestsQuery): Promise<SeenPage> {
    const { store, deciders } = this.#options
    const requester = mine ? by.principal.id : undefined
    const seen: Seen[] = []
    let { after } = query
    for (let scanned = 0; scanned < SCAN_MAX; scanned += SCAN_PAGE) {
      const page = await store.list({ ...query, requester, after, limit: SCAN_PAGE })
      const standing = await deciders.standingTowards(by, page)
      for (const request of page) {
        after = request.id
        if (maySee({ request, standing })) seen.push({ request, standing })
        if (seen.length === limit) return { seen, next: after }
      }
      if (page.length < SCAN_PAGE) return { seen, next: null }
    }
    return { seen, next: after ?? null }
  }

  #requirePace({ principal }: By): void {
    const waitMs = this.#asking.of(principal.id, ASKING).takeOne(this.#options.clock.monotonic())
    if (waitMs === 0) return
    const options = { retryAfterMs: Math.ceil(waitMs) }
    throw new WeftError('SLOW_DOWN', 'too many requests for access of one user', options)
  }

  async #policyOf(resource: string): Promise<AccessPolicy> {
    return (await this.#options.policies.nearest(resource)) ?? defaultPolicy
  }

  #request({ principal }: By, { input, policy, progress }: Beginning): StoredRequest {
    const { clock, random } = this.#options
    if (input.resource.startsWith('~')) {
      const sentence = `${input.resource} is the system's: nobody is granted it`
      throw new WeftError('NAME_RESERVED', sentence)
    }
    const issuer = requireAllowed(policy, principal)
    requireBelowCeiling(policy, input.role)
    const { maxDurationMs } = policy.ceiling
    const { durationMs = maxDurationMs } = input
    if (durationMs > maxDurationMs) {
      throw new WeftError('FORBIDDEN', `no more than ${maxDurationMs} ms are given here`)
    }
    if (!subjectText.safeParse(`user:${principal.id}`).success) {
      throw new WeftError('REQUEST_INVALID', 'the subject of this token cannot be given access')
    }
    const now = clock.now()
    return {
      id: random.id(),
      version: 1,
      resource: input.resource,
      role: input.role,
      durationMs,
      reason: input.reason ?? null,
      requester: { id: principal.id, name: principal.name, kind: principal.kind, issuer },
      isEmergency: progress.status === 'review',
      plan: planOf(policy),
      progress,
      decisions: [],
      grantId: null,
      grantEndsAt: null,
      createdAt: now,
      decidedAt: progress.status === 'pending' ? null : now,
    }
  }

  async #seen(by: By, request: StoredRequest): Promise<Seen> {
    return { request, standing: await this.#options.deciders.standing(by, request) }
  }

  /** Reads, thinks and writes, until nobody else has written meanwhile. */
  async #again(by: By, id: string, think: Think): Promise<Seen> {
    const { transitions } = this.#options
    for (let left = TRIES; left > 0; left--) {
      const seen = await this.get(by, id)
      const transition = await think(seen)
      try {
        return await this.#seen(by, await transitions.commit(transition))
      } catch (error) {
        if (!(error instanceof RequestChanged)) throw error
      }
    }
    throw new WeftError('SEQ_CONFLICT', 'others decide on this request at this very moment')
  }

  #attempt<T>(by: By, what: Pick<Attempt, 'action' | 'resource'>, act: () => Promise<T>) {
    return attempt({ by, ...what, note: event => this.#options.audit.note(event) }, act)
  }
}

type Beginning = {
  readonly input: RequestInput
  readonly policy: AccessPolicy
  readonly progress: Progress
}
type Think = (seen: Seen) => Promise<Parameters<Transitions['commit']>[0]>

function maySee({ request, standing }: Seen): boolean {
  return standing.isOwn(request) || standing.isInsider(request)
}

function withCeiling(policy: AccessPolicy, maxDurationMs: number): AccessPolicy {
  return { ...policy, ceiling: { ...policy.ceiling, maxDurationMs } }
}

function notFound(id: string): WeftError {
  return new WeftError('ACCESS_REQUEST_NOT_FOUND', `there is no request "${id.slice(0, 50)}"`)
}
