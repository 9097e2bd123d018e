/** The journal: documents (one row a life), their entries, their snapshots. */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('documents')
    .addColumn('id', dialect.autoId, column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('incarnation', 'text', column => column.notNull().unique())
    .addColumn('created_at', dialect.integer, column => column.notNull())
    .addColumn('created_by', 'text', column => column.notNull())
    .addColumn('deleted_at', dialect.integer)
    .addColumn('deleted_by', 'text')
    .execute()
  // A name has at most one living document, and any number of deleted ones.
  await db.schema
    .createIndex('documents_living_name')
    .on('documents')
    .column('name')
    .unique()
    .where(sql.ref('deleted_at'), 'is', null)
    .execute()
  await db.schema.createIndex('documents_name').on('documents').column('name').execute()

  // Clustered by document and seq: a commit touches one page for each document that it writes.
  await db.schema
    .createTable('entries')
    .addColumn('document_id', dialect.integer, column => column.notNull())
    .addColumn('seq', dialect.integer, column => column.notNull())
    .addColumn('at', dialect.integer, column => column.notNull())
    .addColumn('author', 'text', column => column.notNull())
    .addColumn('bytes', dialect.bytes, column => column.notNull())
    .addColumn('checksum', dialect.integer, column => column.notNull())
    .addPrimaryKeyConstraint('entries_key', ['document_id', 'seq'])
    .$call(table => dialect.clustered(table))
    .execute()

  await db.schema
    .createTable('snapshots')
    .addColumn('document_id', dialect.integer, column => column.notNull())
    .addColumn('seq', dialect.integer, column => column.notNull())
    .addColumn('at', dialect.integer, column => column.notNull())
    .addColumn('bytes', dialect.bytes, column => column.notNull())
    .addColumn('checksum', dialect.integer, column => column.notNull())
    // Set when the bytes failed their check: never read again, never overwritten.
    .addColumn('quarantined_at', dialect.integer)
    .addPrimaryKeyConstraint('snapshots_key', ['document_id', 'seq'])
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('snapshots').execute()
  await db.schema.dropTable('entries').execute()
  await db.schema.dropTable('documents').execute()
}
