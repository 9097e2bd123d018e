/** Entries know whether they are a handed-over state; snapshots know whose the client ids are. */
import type { Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .alterTable('entries')
    .addColumn('hands_over', dialect.integer, column => column.notNull().defaultTo(0))
    .execute()
  // Null in snapshots of before: what they hold was written under ids that nobody owns.
  await db.schema.alterTable('snapshots').addColumn('owners', 'text').execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('snapshots').dropColumn('owners').execute()
  await db.schema.alterTable('entries').dropColumn('hands_over').execute()
}
