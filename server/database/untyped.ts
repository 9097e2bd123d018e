/** One transaction over the tables of several rooms: each types its own on it. */
import type { Kysely, Transaction } from 'kysely'

export function untyped<Tables>(trx: Transaction<Tables>): Transaction<unknown> {
  return trx as unknown as Transaction<unknown>
}

export function untypedDatabase<Tables>(db: Kysely<Tables>): Kysely<unknown> {
  return db as unknown as Kysely<unknown>
}
