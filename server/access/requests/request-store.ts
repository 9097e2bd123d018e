/** Requests in the database. Each change names the version that it is about: of two, one happens. */
import type { Kysely, Transaction } from 'kysely'
import type { RequestStatus } from '../../../shared/access-views.ts'
import { WeftError } from '../../../shared/errors.ts'
import { isUniqueViolation } from '../../database/sql-error.ts'
import { untyped } from '../../database/untyped.ts'
import type { StoredDecision, StoredRequest } from './request.ts'
import { toDecisionRow, toRequest, toRow, type RequestTables } from './request-tables.ts'

/** Somebody else has changed the request since it was read: read it again, and decide anew. */
export class RequestChanged extends Error {
  override readonly name = 'RequestChanged'
}

export type StoredQuery = {
  readonly requester?: string | undefined
  /** Exactly this one. */
  readonly resource?: string | undefined
  readonly status?: RequestStatus | undefined
  /** The id of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Pending requests of one principal, and for one resource. */
const PENDING_OF_REQUESTER_MAX = 20
const PENDING_OF_RESOURCE_MAX = 200
/** Of one principal, what was given in emergencies and nobody has looked at yet. */
const UNREVIEWED_MAX = 5
const RETRY_FULL_MS = 60_000

export class RequestStore {
  readonly #db: Kysely<RequestTables>

  constructor(db: Kysely<unknown>) {
    this.#db = db.withTables<RequestTables>()
  }

  /** For changes that are about no grant; the others are made within the one of the grant. */
  transaction(action: (trx: Transaction<unknown>) => Promise<void>): Promise<void> {
    return this.#db.transaction().execute(trx => action(untyped(trx)))
  }

  async get(id: string): Promise<StoredRequest | undefined> {
    const rows = await this.#found().where('access_requests.id', '=', id).execute()
    return (await this.#whole(rows))[0]
  }

  /** In the order of their ids. */
  async list({ requester, resource, status, after, limit }: StoredQuery) {
    let query = this.#found().orderBy('access_requests.id').limit(limit)
    if (requester !== undefined) query = query.where('access_requests.requester', '=', requester)
    if (resource !== undefined) query = query.where('access_requests.resource', '=', resource)
    if (status !== undefined) query = query.where('access_requests.status', '=', status)
    if (after !== undefined) query = query.where('access_requests.id', '>', after)
    return this.#whole(await query.execute())
  }

  /** Pending ones whose step is over. */
  async overdue(at: number, limit: number): Promise<readonly StoredRequest[]> {
    const rows = await this.#found()
      .where('access_requests.status', '=', 'pending')
      .where('decide_by', '<=', at)
      .limit(limit)
      .execute()
    return this.#whole(rows)
  }

  /** Granted ones whose grant has come to its end, or was taken back by itself. */
  async over(at: number, limit: number): Promise<readonly OverRequest[]> {
    const rows = await this.#found()
      .select('grants.status as grant_status')
      .where('access_requests.status', '=', 'granted')
      .where(eb => eb.or([eb('grants.status', '<>', 'active'), eb('grants.expires_at', '<=', at)]))
      .limit(limit)
      .execute()
    const requests = await this.#whole(rows)
    const revoked = new Set(rows.filter(row => row.grant_status === 'revoked').map(({ id }) => id))
    return requests.map(request => ({ request, isRevoked: revoked.has(request.id) }))
  }

  /** Throws ACCESS_REQUEST_OPEN, and SLOW_DOWN when too many wait. */
  async insert(within: Transaction<unknown>, request: StoredRequest): Promise<void> {
    const trx = within.withTables<RequestTables>()
    await requireRoom(trx, request)
    try {
      await trx.insertInto('access_requests').values(toRow(request)).execute()
    } catch (error) {
      if (isUniqueViolation(error)) throw alreadyOpen(request)
      throw error
    }
    await addDecisions(trx, { before: [], request })
  }

  /** From `before`, as it was read, to what follows; throws {@link RequestChanged}. */
  async advance(
    within: Transaction<unknown>,
    before: StoredRequest,
    after: StoredRequest,
  ): Promise<void> {
    const trx = within.withTables<RequestTables>()
    const { id, version, ...changed } = toRow({ ...after, version: before.version + 1 })
    const { numUpdatedRows } = await trx
      .updateTable('access_requests')
      .set({ ...changed, version })
      .where('id', '=', id)
      .where('version', '=', before.version)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new RequestChanged(`request ${id} has changed`)
    await addDecisions(trx, { before: before.decisions, request: after })
  }

  /** Deletes what has been over since before this instant; the audit log keeps it. */
  async forget(before: number): Promise<void> {
    await this.#db.transaction().execute(async trx => {
      const old = trx
        .selectFrom('access_requests')
        .select('id')
        .where('status', 'in', ['denied', 'expired', 'cancelled', 'revoked', 'ended'])
        .where('decided_at', '<', before)
      await trx.deleteFrom('request_decisions').where('request_id', 'in', old).execute()
      await trx.deleteFrom('access_requests').where('id', 'in', old).execute()
    })
  }

  #found() {
    return this.#db
      .selectFrom('access_requests')
      .leftJoin('grants', 'grants.id', 'access_requests.grant_id')
      .selectAll('access_requests')
      .select('grants.expires_at as grant_ends_at')
  }

  async #whole(
    rows: readonly Parameters<typeof toRequest>[0][],
  ): Promise<readonly StoredRequest[]> {
    if (rows.length === 0) return []
    const decisions = await this.#db
      .selectFrom('request_decisions')
      .selectAll()
      .where(
        'request_id',
        'in',
        rows.map(({ id }) => id),
      )
      .orderBy('number')
      .execute()
    const byRequest = Map.groupBy(decisions, ({ request_id }) => request_id)
    return rows.map(row => toRequest(row, byRequest.get(row.id) ?? []))
  }
}

export type OverRequest = {
  readonly request: StoredRequest
  /** Somebody took the grant back; otherwise its time was over. */
  readonly isRevoked: boolean
}

type Trx = Transaction<RequestTables>

/** Servers that count at the same instant may let in one each; the rate of asking keeps that small. */
async function requireRoom(trx: Trx, { requester, resource, progress }: StoredRequest) {
  const { status } = progress
  const count = async (column: 'requester' | 'resource', value: string): Promise<number> => {
    const row = await trx
      .selectFrom('access_requests')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .where(column, '=', value)
      .where('status', '=', status)
      .executeTakeFirst()
    return Number(row?.count ?? 0)
  }
  const ownMax = status === 'review' ? UNREVIEWED_MAX : PENDING_OF_REQUESTER_MAX
  const tooMany =
    (await count('requester', requester.id)) >= ownMax
      ? `${ownMax} requests of ${requester.id}`
      : (await count('resource', resource)) >= PENDING_OF_RESOURCE_MAX
        ? `${PENDING_OF_RESOURCE_MAX} requests for ${resource}`
        : undefined
  if (tooMany === undefined) return
  const options = { retryAfterMs: RETRY_FULL_MS }
  throw new WeftError('SLOW_DOWN', `${tooMany} wait for an answer already`, options)
}

function alreadyOpen({ requester, resource }: StoredRequest): WeftError {
  return new WeftError(
    'ACCESS_REQUEST_OPEN',
    `a request of ${requester.id} for ${resource} waits for an answer already`,
  )
}

type Added = { readonly before: readonly StoredDecision[]; readonly request: StoredRequest }

async function addDecisions(trx: Trx, { before, request }: Added): Promise<void> {
  const added = request.decisions
    .slice(before.length)
    .map((decision, index) =>
      toDecisionRow(request, { number: before.length + index + 1, decision }),
    )
  if (added.length > 0) await trx.insertInto('request_decisions').values(added).execute()
}
