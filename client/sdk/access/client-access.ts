/** Access as an application asks for it, gives it and looks at it: `client.access`. */
import type {
  AccessRequestView,
  ExplainView,
  GrantStatus,
  GrantView,
  RequestDecision,
  RequestStatus,
} from '../../../shared/access-views.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { Capability } from '../../../shared/permissions.ts'
import type { Random } from '../../../shared/random.ts'
import type { OpenDocuments } from '../open-documents.ts'
import { AccessRequest } from './access-request.ts'
import { RefusedDocuments } from './refused-documents.ts'
import type { RestCaller } from './rest-caller.ts'

/** Either a document's name, or a resource: that, a prefix ending in `/**`, or `**`. */
export type Where = { readonly document: string } | { readonly resource: string }

export type RequestOrder = Where & {
  /** viewer, commenter, editor, owner or another built-in role of documents. */
  readonly role: string
  readonly reason?: string
  /** For how long, ms from the approval on; left out: as long as the policy allows. */
  readonly durationMs?: number
}

export type RequestsQuery = {
  readonly resource?: string
  readonly status?: RequestStatus
  /** Only those of whoever asks. Left out: those that they may see. */
  readonly mine?: boolean
  /** `next` of the page before. */
  readonly after?: string
  readonly limit?: number
}

export type DecisionOrder = {
  readonly decision: RequestDecision
  readonly reason?: string
  /** Less than what was asked for. */
  readonly role?: string
  readonly durationMs?: number
  /** Past all steps, for admins of the server, with a reason. */
  readonly override?: boolean
}

export type GrantsQuery = {
  readonly resource?: string
  readonly subject?: string
  readonly status?: GrantStatus
  readonly after?: string
  readonly limit?: number
}

export type GrantOrder = {
  /** `user:<id>`, `group:<name>`, or `*`. */
  readonly subject: string
  readonly effect?: 'allow' | 'deny'
  /** Either a role or capabilities. */
  readonly role?: string
  readonly capabilities?: readonly Capability[]
  readonly paths?: readonly string[]
  readonly condition?: string
  /** A date, or ISO 8601. */
  readonly expiresAt?: Date | string
  readonly sponsor?: string
} & Where

export type ChangeOrder = {
  readonly role?: string
  readonly capabilities?: readonly Capability[]
  readonly paths?: readonly string[] | null
  readonly condition?: string | null
  readonly expiresAt?: Date | string | null
}

export type ExplainQuery = Where & {
  readonly capability?: Capability
  /** Whoever asks, unless given. */
  readonly user?: string
  readonly groups?: readonly string[]
}

/**
 * All of it rejects with a {@link WeftError}: FORBIDDEN for who may not, SLOW_DOWN for too much.
 *
 * @example
 * const notes = client.open('acme/notes') // refused: FORBIDDEN
 * const request = await client.access.request({ document: 'acme/notes', role: 'editor', reason: 'the audit' })
 * const { status } = await request.whenDecided() // 'granted', and `notes` comes in by itself
 */
export type ClientAccess = {
  /** Asks for access. Once it is given, refused documents here are tried again by themselves. */
  request(order: RequestOrder): Promise<AccessRequest>
  /** Access now, and a review afterwards, for those whom the policy lists. */
  emergency(order: RequestOrder & { readonly reason: string }): Promise<AccessRequest>
  /** Goes on watching a request of before, as after a reload. */
  follow(view: AccessRequestView): AccessRequest
  requests(
    query?: RequestsQuery,
  ): Promise<{ readonly requests: readonly AccessRequestView[]; readonly next: string | null }>
  decide(id: string, order: DecisionOrder): Promise<AccessRequestView>
  /** Takes back what one has asked for. */
  cancel(id: string): Promise<AccessRequestView>
  /** Of a resource that one may share, or one's own by `subject: 'user:<id>'`. */
  grants(
    query: GrantsQuery,
  ): Promise<{ readonly grants: readonly GrantView[]; readonly next: string | null }>
  grant(order: GrantOrder): Promise<GrantView>
  /** Another role or end, in one step: nobody is without access in between. Null takes away. */
  change(grantId: string, order: ChangeOrder): Promise<GrantView>
  revoke(grantId: string): Promise<void>
  explain(query: ExplainQuery): Promise<ExplainView>
}

export type ClientAccessParts = {
  readonly rest: Pick<RestCaller, 'call'>
  readonly documents: Pick<OpenDocuments, 'all'>
  readonly clock: Clock
  readonly random: Random
  /** Aborts when the client ends. */
  readonly end: AbortSignal
}

export function createClientAccess(parts: ClientAccessParts): ClientAccess {
  const { rest } = parts
  return {
    ...createRequests(parts),
    grants: query => rest.call({ method: 'GET', path: '/v1/grants', query: { ...query } }),
    grant(order) {
      const { expiresAt, ...others } = toResource(order)
      const end = expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt
      const body = { ...others, ...(end === undefined ? {} : { expiresAt: end }) }
      return rest.call({ method: 'POST', path: '/v1/grants', body })
    },
    change(grantId, { expiresAt, ...others }) {
      const end = expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt
      const body = { ...others, ...(end === undefined ? {} : { expiresAt: end }) }
      return rest.call({ method: 'PATCH', path: grantPath(grantId), body })
    },
    async revoke(grantId) {
      await rest.call({ method: 'DELETE', path: grantPath(grantId) })
    },
    explain(query) {
      const { resource, groups, ...others } = toResource(query)
      const all = { resource, ...others, groups: groups?.join(',') }
      return rest.call({ method: 'GET', path: '/v1/access/explain', query: all })
    },
  }
}

const grantPath = (id: string) => `/v1/grants/${encodeURIComponent(id)}`

type Requests = Pick<
  ClientAccess,
  'request' | 'emergency' | 'follow' | 'requests' | 'decide' | 'cancel'
>

const REQUESTS = '/v1/access-requests'

function createRequests({ rest, documents, clock, random, end }: ClientAccessParts): Requests {
  const refused = new RefusedDocuments({ documents, clock, end })
  const pathOf = (id: string) => `${REQUESTS}/${encodeURIComponent(id)}`
  /** Those that are not decided: one look-out for each, however often it is followed. */
  const pending = new Map<string, AccessRequest>()
  const follow = (given: AccessRequestView): AccessRequest => {
    const known = pending.get(given.id)
    if (known !== undefined) return known
    const request = new AccessRequest(given, {
      clock,
      random,
      end,
      read: signal => rest.call({ method: 'GET', path: pathOf(given.id), signal }),
      onDecided({ status, resource }) {
        pending.delete(given.id)
        if (status === 'granted' || status === 'review') void refused.retry(resource)
      },
    })
    if (given.status === 'pending') pending.set(given.id, request)
    // Without anybody who waits, too: a document that was refused comes in when it may. Whoever
    // does wait is told what went wrong.
    request.watch().catch(() => pending.delete(given.id))
    return request
  }
  const ask = async (path: string, order: RequestOrder) =>
    follow(await rest.call({ method: 'POST', path, body: toResource(order) }))
  return {
    request: order => ask(REQUESTS, order),
    emergency: order => ask(`${REQUESTS}/emergency`, order),
    follow,
    requests: (query = {}) => rest.call({ method: 'GET', path: REQUESTS, query: { ...query } }),
    decide: (id, order) =>
      rest.call({ method: 'POST', path: `${pathOf(id)}/decision`, body: order }),
    cancel: id => rest.call({ method: 'POST', path: `${pathOf(id)}/cancel` }),
  }
}

type WithResource<T> = T extends { readonly document: string }
  ? Omit<T, 'document'> & { readonly resource: string }
  : T

function toResource<T extends Where>(order: T): WithResource<T> {
  if (!('document' in order)) return order as WithResource<T>
  const { document, ...rest } = order
  return { ...rest, resource: document } as unknown as WithResource<T>
}
