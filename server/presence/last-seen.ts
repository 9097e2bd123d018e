/** Remembers when users were last seen on which document: in memory first, in the store within a minute. */
import type { Kysely } from 'kysely'
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Database } from '../database/database.ts'

type LastSeenTables = {
  last_seen: { user_id: string; document: string; at: number }
}

export type Sighting = { readonly userId: string; readonly document: string }

export type LastSeenOptions = {
  readonly database: Pick<Database, 'db'>
  /** Who is on this node just now. */
  readonly present: () => Iterable<Sighting>
  readonly clock: Clock
  readonly log: Logger
}

/** Who stays is written down this often. */
const WRITE_MS = 60_000
/** Who leaves, this soon: many leave together. */
const LEFT_MS = 1_000
const ROWS_AT_ONCE = 200
/** Sightings that wait for the store; more are let go of, and counted as not seen. */
const WAITING_MAX = 50_000
/** Of one user, the latest. */
const ANSWER_MAX = 1_000
const KEPT_MS = 365 * 86_400_000
const FORGET_MS = 3_600_000

export class LastSeen {
  readonly #options: LastSeenOptions
  readonly #db: Kysely<LastSeenTables>
  /** By user, then by document: ms since 1970. */
  #waiting = new Map<string, Map<string, number>>()
  #underWay: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map()
  #count = 0
  readonly #stops: Cancel[]
  #cancelSoon: Cancel | undefined
  #writing: Promise<void> = Promise.resolve()
  #isFailing = false

  constructor(options: LastSeenOptions) {
    this.#options = options
    this.#db = options.database.db.withTables<LastSeenTables>()
    const { clock } = options
    this.#stops = [
      every(clock, WRITE_MS, () => {
        for (const one of options.present()) this.#note(one)
        void this.#write()
      }),
      every(clock, FORGET_MS, () => void this.#forget()),
    ]
  }

  /** A session that was seen has ended. */
  left(sighting: Sighting): void {
    this.#note(sighting)
    this.#cancelSoon ??= this.#options.clock.after(LEFT_MS, () => void this.#write())
  }

  /** The last time on each document, ms since 1970, the latest first. Throws as the database does. */
  async of(userId: string): Promise<readonly { readonly document: string; readonly at: number }[]> {
    const rows = await this.#db
      .selectFrom('last_seen')
      .select(['document', 'at'])
      .where('user_id', '=', userId)
      .orderBy('at', 'desc')
      .limit(ANSWER_MAX)
      .execute()
    const unwritten = [this.#waiting, this.#underWay].flatMap(users =>
      Array.from(users.get(userId) ?? [], ([document, at]) => ({ document, at })),
    )
    return [...unwritten, ...rows].toSorted((a, b) => b.at - a.at)
  }

  /** Writes what waits; afterwards nothing of it is under way. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#write()
  }

  #note({ userId, document }: Sighting): void {
    const documents = this.#waiting.get(userId) ?? new Map<string, number>()
    if (!documents.has(document)) {
      if (this.#count >= WAITING_MAX) return
      this.#count += 1
    }
    documents.set(document, this.#options.clock.now())
    this.#waiting.set(userId, documents)
  }

  /** One write at a time. Never rejects: what could not be written is seen again in a minute. */
  async #write(): Promise<void> {
    this.#cancelSoon?.()
    this.#cancelSoon = undefined
    this.#writing = this.#writing.then(() => this.#writeAll())
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    const rows = [...this.#waiting].flatMap(([user_id, documents]) =>
      Array.from(documents, ([document, at]) => ({ user_id, document, at })),
    )
    this.#underWay = this.#waiting
    this.#waiting = new Map()
    this.#count = 0
    try {
      for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
        await this.#writeRows(rows.slice(from, from + ROWS_AT_ONCE))
      }
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        this.#options.log.warn({ err: error }, 'when people were last seen cannot be written')
      }
      this.#isFailing = true
    }
    this.#underWay = new Map()
  }

  #writeRows(rows: readonly LastSeenTables['last_seen'][]): Promise<unknown> {
    return this.#db.transaction().execute(trx =>
      trx
        .insertInto('last_seen')
        .values(rows)
        .onConflict(conflict =>
          conflict
            .columns(['user_id', 'document'])
            .doUpdateSet(set => ({ at: set.ref('excluded.at') }))
            // Another node may have seen them later.
            .whereRef('last_seen.at', '<', 'excluded.at'),
        )
        .execute(),
    )
  }

  async #forget(): Promise<void> {
    const before = this.#options.clock.now() - KEPT_MS
    try {
      await this.#db
        .transaction()
        .execute(trx => trx.deleteFrom('last_seen').where('at', '<', before).execute())
    } catch (error) {
      this.#options.log.warn({ err: error }, 'old sightings cannot be deleted')
    }
  }
}
