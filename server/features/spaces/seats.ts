/** Seats in spaces that have room for so many people: counted in the database, exact over all nodes. */
import type { Kysely, Transaction } from 'kysely'
import { every, type Cancel, type Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type SpaceName } from '../../../shared/names.ts'
import type { Logger } from '../../base/log.ts'
import type { Database } from '../../database/database.ts'
import type { SpaceTables } from './space-tables.ts'

export type SeatsOptions = {
  readonly database: Pick<Database, 'db'>
  /** This process; after a crash its next life is another one. */
  readonly node: string
  readonly clock: Clock
  readonly log: Logger
}

/** Whose seat, and where. */
export type Seat = { readonly space: SpaceName; readonly principal: string }

/** Who is in already stays, whatever the space was changed to. */
export type Entry = 'if there is room' | 'in any case'

/** A node that is gone gives its seats up after so long. */
const SEAT_MS = 30_000
const RENEW_MS = 10_000

type Held = Seat & { holds: number; taken: Promise<void> }

export class Seats {
  readonly #options: SeatsOptions
  readonly #db: Kysely<SpaceTables>
  readonly #held = new Map<string, Held>()
  /** The last thing that is done about a seat: taking and giving up keep their order. */
  readonly #turns = new Map<string, Promise<void>>()
  readonly #stop: Cancel
  #renewing: Promise<void> = Promise.resolve()
  /** A seat could not be given up: the store may say that somebody sits there still. */
  #mayHaveStale = false

  constructor(options: SeatsOptions) {
    this.#options = options
    this.#db = options.database.db.withTables<SpaceTables>()
    this.#stop = every(options.clock, RENEW_MS, () => {
      this.#renewing = this.#renewing.then(() => this.#renew())
    })
  }

  /**
   * Sits down; several sessions of one person share a seat. The answer gives it up. Throws SPACE_FULL
   * and what the database throws.
   */
  async hold(seat: Seat, entry: Entry): Promise<Cancel> {
    const key = keyOf(seat)
    const held = this.#held.get(key) ?? this.#sitDown(seat, entry)
    held.holds += 1
    let isOver = false
    const leave = () => {
      if (isOver) return
      isOver = true
      held.holds -= 1
      if (held.holds > 0 || this.#held.get(key) !== held) return
      this.#held.delete(key)
      // Where the database is away the next renewal finds that nobody sits there.
      void this.#inTurn(key, () => this.#giveUp(seat)).catch(() => {
        this.#mayHaveStale = true
      })
    }
    try {
      await held.taken
      return leave
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Renews nothing any more, as after a crash. */
  halt(): void {
    this.#stop()
  }

  /** Resolves when the renewal that is under way is done. */
  settle(): Promise<void> {
    return this.#renewing
  }

  /** Gives up all seats of this node. */
  async close(): Promise<void> {
    this.halt()
    await this.#renewing
    await Promise.allSettled(this.#turns.values())
    await this.#write(trx => trx.deleteFrom('space_seats').where('node', '=', this.#node)).catch(
      (error: unknown) => this.#options.log.warn({ err: error }, 'seats could not be given up'),
    )
  }

  /** Where this is the only node: seats of a life before are nobody's. */
  async clear(): Promise<void> {
    await this.#write(trx => trx.deleteFrom('space_seats'))
  }

  get #node(): string {
    return this.#options.node
  }

  #sitDown(seat: Seat, entry: Entry): Held {
    const key = keyOf(seat)
    const taken = this.#inTurn(key, () => this.#take(seat, entry))
    const held: Held = { ...seat, holds: 0, taken }
    this.#held.set(key, held)
    return held
  }

  #inTurn(key: string, action: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(key) ?? Promise.resolve()
    const turn = before.catch(() => {}).then(action)
    this.#turns.set(key, turn)
    const forget = () => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
    turn.then(forget, forget)
    return turn
  }

  /** All who enter a space wait for each other at its row, on whichever node: nobody is counted late. */
  async #take({ space, principal }: Seat, entry: Entry): Promise<void> {
    await this.#db.transaction().execute(async trx => {
      const row = await trx
        .updateTable('spaces')
        .set(eb => ({ entries: eb('entries', '+', 1) }))
        .where('name', '=', space)
        .returning('max_size')
        .executeTakeFirst()
      const size = row?.max_size ?? null
      const now = this.#options.clock.now()
      await trx
        .deleteFrom('space_seats')
        .where('space', '=', space)
        .where('until', '<=', now)
        .execute()
      if (size !== null && entry === 'if there is room') {
        const { count } = await trx
          .selectFrom('space_seats')
          .select(eb => eb.fn.count('principal').distinct().as('count'))
          .where('space', '=', space)
          .where('principal', '!=', principal)
          .executeTakeFirstOrThrow()
        if (Number(count) >= size) throw full(space, size)
      }
      await this.#put(trx, { space, principal })
    })
  }

  async #put(trx: Transaction<SpaceTables>, { space, principal }: Seat): Promise<void> {
    const until = this.#options.clock.now() + SEAT_MS
    await trx
      .insertInto('space_seats')
      .values({ space, principal, node: this.#node, until })
      .onConflict(conflict =>
        conflict.columns(['space', 'principal', 'node']).doUpdateSet({ until }),
      )
      .execute()
  }

  #giveUp({ space, principal }: Seat): Promise<void> {
    return this.#write(trx =>
      trx
        .deleteFrom('space_seats')
        .where('space', '=', space)
        .where('principal', '=', principal)
        .where('node', '=', this.#node),
    )
  }

  async #write(
    query: (trx: Transaction<SpaceTables>) => { execute(): Promise<unknown> },
  ): Promise<void> {
    await this.#db.transaction().execute(trx => query(trx).execute())
  }

  /** Moves the ends on, and makes the store say what is so here. Never rejects. */
  async #renew(): Promise<void> {
    try {
      if (this.#held.size === 0 && !this.#mayHaveStale) return
      const until = this.#options.clock.now() + SEAT_MS
      await this.#write(trx =>
        trx.updateTable('space_seats').set({ until }).where('node', '=', this.#node),
      )
      const rows = await this.#db
        .selectFrom('space_seats')
        .select(['space', 'principal'])
        .where('node', '=', this.#node)
        .execute()
      this.#mayHaveStale = false
      const stored = new Map(rows.map(row => [keyOf(row), row as Seat]))
      for (const [key, seat] of stored) {
        if (this.#held.has(key) || this.#turns.has(key)) continue
        await this.#inTurn(key, () => this.#giveUp(seat))
      }
      // They ran out while the database was away. Who is in stays in.
      const missing = [...this.#held].filter(([key]) => !stored.has(key) && !this.#turns.has(key))
      for (const [key, seat] of missing) {
        await this.#inTurn(key, async () => {
          if (this.#held.has(key)) await this.#take(seat, 'in any case')
        })
      }
    } catch (error) {
      this.#options.log.warn({ err: error }, 'seats in spaces could not be renewed')
    }
  }
}

function keyOf({ space, principal }: { readonly space: string; readonly principal: string }) {
  return JSON.stringify([space, principal])
}

function full(space: string, size: number): WeftError {
  const sentence = `the space ${quoteName(space)} has room for ${size}, and that many are in it`
  return new WeftError('SPACE_FULL', sentence, { retryAfterMs: 5_000 })
}
