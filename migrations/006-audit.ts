/** The audit log: a chain of rows, and the row that says where it ends. */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('seq', dialect.integer, column => column.primaryKey())
    .addColumn('at', dialect.integer, column => column.notNull())
    .addColumn('actor', 'text', column => column.notNull())
    .addColumn('actor_kind', 'text', column => column.notNull())
    .addColumn('action', 'text', column => column.notNull())
    .addColumn('document', 'text')
    .addColumn('capability', 'text')
    .addColumn('decision', 'text', column => column.notNull())
    .addColumn('because', 'text')
    .addColumn('address', 'text')
    .addColumn('token_id', 'text')
    .addColumn('request_id', 'text')
    .addColumn('details', 'text', column => column.notNull())
    .addColumn('prev_hash', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('audit_actor').on('audit').columns(['actor', 'seq']).execute()
  await db.schema.createIndex('audit_document').on('audit').columns(['document', 'seq']).execute()
  await db.schema.createIndex('audit_at').on('audit').column('at').execute()

  // Whoever appends locks this row: the chain has one end, however many servers write.
  await db.schema
    .createTable('audit_head')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('seq', dialect.integer, column => column.notNull())
    .addColumn('at', dialect.integer, column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .execute()
  await sql`INSERT INTO audit_head (id, seq, at, hash) VALUES (1, 0, 0, ${'0'.repeat(64)})`.execute(
    db,
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('audit_head').execute()
  await db.schema.dropTable('audit').execute()
}
