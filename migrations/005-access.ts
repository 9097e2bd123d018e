/** Who may do what: grants, roles of the installation, and a counted list of what changed. */
import type { Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const { integer } = dialect
  await db.schema
    .createTable('grants')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('effect', 'text', column => column.notNull())
    .addColumn('role', 'text')
    .addColumn('capabilities', 'text')
    .addColumn('paths', 'text')
    .addColumn('condition', 'text')
    .addColumn('granted_by', 'text', column => column.notNull())
    .addColumn('sponsor', 'text')
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('expires_at', integer)
    .addColumn('status', 'text', column => column.notNull())
    .execute()
  // The question of every opening: what is there for these subjects on this name and above it?
  await db.schema
    .createIndex('grants_resource')
    .on('grants')
    .columns(['resource', 'subject', 'status'])
    .execute()
  await db.schema
    .createIndex('grants_subject')
    .on('grants')
    .columns(['subject', 'status'])
    .execute()
  await db.schema.createIndex('grants_end').on('grants').columns(['status', 'expires_at']).execute()
  await db.schema
    .createTable('roles')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('capabilities', 'text', column => column.notNull())
    .addColumn('paths', 'text')
    .addColumn('changed_by', 'text', column => column.notNull())
    .addColumn('changed_at', integer, column => column.notNull())
    .execute()
  // One row, which every change locks: its numbers are seen in their order, without gaps.
  await db.schema
    .createTable('access_version')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('version', integer, column => column.notNull())
    .execute()
  await db
    .withTables<{ access_version: { id: number; version: number } }>()
    .insertInto('access_version')
    .values({ id: 1, version: 0 })
    .execute()
  await db.schema
    .createTable('access_changes')
    .addColumn('version', integer, column => column.primaryKey())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('changed_at', integer, column => column.notNull())
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['access_changes', 'access_version', 'roles', 'grants']) {
    await db.schema.dropTable(table).execute()
  }
}
