/** Entries know the request that made them; documents know the version of their schema. */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .alterTable('documents')
    .addColumn('schema_version', dialect.integer, column => column.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('entries').addColumn('request_key', 'text').execute()
  await db.schema.alterTable('entries').addColumn('request_digest', 'text').execute()
  // Few entries come from requests with a key: the others cost the index nothing.
  await db.schema
    .createIndex('entries_request')
    .on('entries')
    .columns(['document_id', 'request_key'])
    .unique()
    .where(sql.ref('request_key'), 'is not', null)
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('entries_request').execute()
  await db.schema.alterTable('entries').dropColumn('request_digest').execute()
  await db.schema.alterTable('entries').dropColumn('request_key').execute()
  await db.schema.alterTable('documents').dropColumn('schema_version').execute()
}
