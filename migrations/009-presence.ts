/** When somebody was last seen, and where: kept by document, so that it is told to its readers alone. */
import type { Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, { integer }: Dialect): Promise<void> {
  await db.schema
    .createTable('last_seen')
    .addColumn('user_id', 'text', column => column.notNull())
    .addColumn('document', 'text', column => column.notNull())
    // Ms since 1970.
    .addColumn('at', integer, column => column.notNull())
    .addPrimaryKeyConstraint('last_seen_key', ['user_id', 'document'])
    .execute()
  await db.schema.createIndex('last_seen_at').on('last_seen').column('at').execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('last_seen').execute()
}
