/** The audit log in the database: appended to and read, never changed. */
import type { Kysely, Transaction } from 'kysely'
import { assert } from '../../shared/assert.ts'
import type { Database } from '../database/database.ts'
import { chain, type AuditHead, type AuditRow, type TimedEvent } from './audit-row.ts'

type Tables = {
  audit: {
    seq: number
    at: number
    actor: string
    actor_kind: string
    action: string
    document: string | null
    capability: string | null
    decision: string
    because: string | null
    address: string | null
    token_id: string | null
    request_id: string | null
    details: string
    prev_hash: string
    hash: string
  }
  audit_head: { id: number; seq: number; at: number; hash: string }
}

export type AuditQuery = {
  readonly actor?: string | undefined
  readonly document?: string | undefined
  readonly action?: string | undefined
  readonly decision?: 'allow' | 'deny' | undefined
  /** From this instant on, ms since 1970. */
  readonly from?: number | undefined
  /** Before this instant, ms since 1970. */
  readonly to?: number | undefined
  /** Rows after this seq; 0 for the first page. */
  readonly after?: number | undefined
  readonly limit: number
}

/** SQLite takes 32,766 values in a statement; a row has 15. */
const ROWS_A_STATEMENT = 500

export class AuditTable {
  readonly #db: Kysely<Tables>
  readonly #dialect: Database['dialect']

  constructor({ db, dialect }: Pick<Database, 'db' | 'dialect'>) {
    this.#db = db.withTables<Tables>()
    this.#dialect = dialect
  }

  /** In a transaction of its own. */
  append(events: readonly TimedEvent[]): Promise<void> {
    return this.#db.transaction().execute(trx => this.#append(trx, events))
  }

  /** See {@link Audit.write}. */
  appendWithin(trx: Transaction<unknown>, events: readonly TimedEvent[]): Promise<void> {
    return this.#append(trx.withTables<Tables>(), events)
  }

  async #append(trx: Transaction<Tables>, events: readonly TimedEvent[]): Promise<void> {
    const last = trx.selectFrom('audit_head').select(['seq', 'at', 'hash']).where('id', '=', 1)
    // On SQLite a transaction has the file for itself from its beginning.
    const head = await (this.#dialect === 'postgres' ? last.forUpdate() : last).executeTakeFirst()
    assert(head !== undefined, 'the audit log has no head: `weft audit verify`')
    const rows = chain(head, events)
    for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
      const some = rows.slice(start, start + ROWS_A_STATEMENT)
      await trx.insertInto('audit').values(some.map(toColumns)).execute()
    }
    const end = rows.at(-1)
    if (end === undefined) return
    const { seq, at, hash } = end
    await trx.updateTable('audit_head').set({ seq, at, hash }).where('id', '=', 1).execute()
  }

  /** In the order of seq. */
  async page({ after = Number.MIN_SAFE_INTEGER, limit, ...query }: AuditQuery) {
    let select = this.#db.selectFrom('audit').selectAll().where('seq', '>', after)
    for (const column of ['actor', 'document', 'action', 'decision'] as const) {
      const wanted = query[column]
      if (wanted !== undefined) select = select.where(column, '=', wanted)
    }
    if (query.from !== undefined) select = select.where('at', '>=', query.from)
    if (query.to !== undefined) select = select.where('at', '<', query.to)
    const rows = await select.orderBy('seq').limit(limit).execute()
    return rows.map(toRow)
  }

  /** All rows of the query, page by page; its limit is the size of a page. */
  async *pages(query: AuditQuery): AsyncGenerator<readonly AuditRow[]> {
    let { after } = query
    for (;;) {
      const rows = await this.page({ ...query, after })
      if (rows.length > 0) yield rows
      if (rows.length < query.limit) return
      after = rows.at(-1)?.seq
    }
  }

  /** The first seq that several rows have. */
  async firstTwin(): Promise<number | undefined> {
    const twin = await this.#db
      .selectFrom('audit')
      .select('seq')
      .groupBy('seq')
      .having(({ fn }) => fn.countAll<number>(), '>', 1)
      .orderBy('seq')
      .executeTakeFirst()
    return twin?.seq
  }

  /** The hash of one row; undefined when there is none. */
  async hashAt(seq: number): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('audit')
      .select('hash')
      .where('seq', '=', seq)
      .executeTakeFirst()
    return row?.hash
  }

  head(): Promise<AuditHead | undefined> {
    return this.#db
      .selectFrom('audit_head')
      .select(['seq', 'at', 'hash'])
      .where('id', '=', 1)
      .executeTakeFirst()
  }
}

function toColumns({ actorKind, tokenId, requestId, prevHash, ...same }: AuditRow) {
  return {
    ...same,
    actor_kind: actorKind,
    token_id: tokenId,
    request_id: requestId,
    prev_hash: prevHash,
  }
}

/** In the order of the fields, so that a line of the export is what its hash is made of. */
function toRow(columns: Tables['audit']): AuditRow {
  const { seq, at, actor, action, document, capability, decision, because, address } = columns
  return {
    seq,
    at,
    actor,
    actorKind: columns.actor_kind,
    action,
    document,
    capability,
    decision,
    because,
    address,
    tokenId: columns.token_id,
    requestId: columns.request_id,
    details: columns.details,
    prevHash: columns.prev_hash,
    hash: columns.hash,
  }
}
