/** Who did what and who was refused: appended only, chained by hashes, anchored outside the database. */
import type { Transaction } from 'kysely'
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Database } from '../database/database.ts'
import type { AnchorFile } from './anchor-file.ts'
import { AuditNotes } from './audit-notes.ts'
import { AuditTable, type AuditQuery } from './audit-table.ts'
import type { AuditEvent, AuditHead, AuditRow, TimedEvent } from './audit-row.ts'
import { verifyTable, type Verdict } from './verify.ts'

export type AuditOptions = {
  readonly database: Database
  readonly anchors: AnchorFile
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

const ANCHOR_EVERY_MS = 60_000
const EXPORT_PAGE = 1_000

export class Audit {
  readonly #options: AuditOptions
  readonly #table: AuditTable
  readonly #notes: AuditNotes
  readonly #stopAnchoring: Cancel
  #anchoring: Promise<void> = Promise.resolve()
  /** What the file holds last; undefined until it was read. */
  #lastAnchor: AuditHead | 'none' | undefined
  /** This node has written, so there may be something to anchor at the end. */
  #hasWritten = false

  constructor(options: AuditOptions) {
    this.#options = options
    const { clock, log, metrics } = options
    this.#table = new AuditTable(options.database)
    this.#notes = new AuditNotes({
      clock,
      store: events => this.#store(events),
      onDropped: count => metrics.auditDropped.inc(count),
      onFailure(error) {
        metrics.auditFailures.inc()
        log.error({ err: error }, 'audit events could not be stored')
      },
    })
    this.#stopAnchoring = every(clock, ANCHOR_EVERY_MS, () => void this.anchor())
  }

  /**
   * Within the caller's transaction, so that a change and its row are there together or not at all.
   * To be called last in it: from here to the commit everybody else who writes rows waits.
   */
  async write(trx: Transaction<unknown>, events: readonly AuditEvent[]): Promise<void> {
    const at = this.#options.clock.now()
    this.#hasWritten = true
    await this.#table.appendWithin(
      trx,
      events.map(event => ({ ...event, at })),
    )
    this.#options.metrics.auditRows.inc(events.length)
  }

  /**
   * For what no transaction is about, such as decisions on live connections. Never throws and is
   * not waited for: a crash within some 100 ms may lose it, and a commit whose answer was lost may
   * bring it twice. Equal denials within a minute are one row with a count (`details.repeats`).
   */
  note(event: AuditEvent): void {
    this.#notes.note(event)
  }

  /** In the order of seq. */
  query(query: AuditQuery): Promise<readonly AuditRow[]> {
    return this.#table.page(query)
  }

  /** Lines of JSON, each an {@link AuditRow}. */
  export(query: Omit<AuditQuery, 'limit'>): AsyncIterable<string> {
    return exportTable(this.#table, query)
  }

  /** Reads all of it. */
  async verify(): Promise<Verdict> {
    return verifyTable(this.#table, await this.#options.anchors.read())
  }

  /** Writes down where the chain ends, if it has moved. Never rejects. */
  anchor(): Promise<void> {
    const { log, metrics } = this.#options
    this.#anchoring = this.#anchoring
      .then(() => this.#anchor())
      .catch((error: unknown) => {
        metrics.auditFailures.inc()
        log.error({ err: error }, 'the audit log could not be anchored')
      })
    return this.#anchoring
  }

  /** Stores what waits and anchors it; says what is left when `signal` aborts. */
  async close(signal: AbortSignal): Promise<StopReport> {
    this.#stopAnchoring()
    const left = await this.#notes.close(signal)
    if (this.#hasWritten) await this.anchor()
    return left === 0
      ? []
      : [`${left} audit ${left === 1 ? 'event was' : 'events were'} not stored`]
  }

  async #store(events: readonly TimedEvent[]): Promise<void> {
    this.#hasWritten = true
    await this.#table.append(events)
    this.#options.metrics.auditRows.inc(events.length)
  }

  async #anchor(): Promise<void> {
    const { anchors, log, metrics } = this.#options
    this.#lastAnchor ??= (await anchors.read())?.anchors.at(-1) ?? 'none'
    const last = this.#lastAnchor
    const head = await this.#table.head()
    if (head === undefined || (last === 'none' && head.seq === 0)) return
    if (last !== 'none') {
      if (last.hash === head.hash) return
      // Somebody has cut it, or set the database back: say so while it happens.
      if ((await this.#table.hashAt(last.seq)) !== last.hash) {
        metrics.auditMismatches.inc()
        log.error({ seq: last.seq }, 'the audit log is not what was anchored: `weft audit verify`')
      }
    }
    await anchors.append(head)
    this.#lastAnchor = head
  }
}

/** Lines of JSON with their ends. */
export async function* exportTable(
  table: AuditTable,
  query: Omit<AuditQuery, 'limit'>,
): AsyncGenerator<string> {
  for await (const rows of table.pages({ ...query, limit: EXPORT_PAGE })) {
    yield rows.map(row => `${JSON.stringify(row)}\n`).join('')
  }
}
