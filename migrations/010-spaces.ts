/** Spaces: what was said of them when they were created, who joined or was removed, and who is in. */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, { integer }: Dialect): Promise<void> {
  await db.schema
    .createTable('spaces')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('title', 'text')
    .addColumn('created_by', 'text', column => column.notNull())
    .addColumn('tenant', 'text')
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('max_size', 'integer')
    .addColumn('expires_at', integer)
    .addColumn('closed_at', integer)
    .addColumn('joining', 'text', column => column.notNull())
    .addColumn('join_role', 'text', column => column.notNull())
    // Raised by everybody who takes a seat: the row at which they wait for each other.
    .addColumn('entries', integer, column => column.notNull().defaultTo(sql.lit(0)))
    .execute()
  await db.schema
    .createTable('space_members')
    .addColumn('space', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.notNull())
    // `joined`: the grant ends with the space; `removed`: they do not get in by joining.
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('changed_at', integer, column => column.notNull())
    .addPrimaryKeyConstraint('space_members_key', ['space', 'user_id'])
    .execute()
  await db.schema
    .createTable('space_seats')
    .addColumn('space', 'text', column => column.notNull())
    .addColumn('principal', 'text', column => column.notNull())
    .addColumn('node', 'text', column => column.notNull())
    // Ms since 1970; the node moves it on while somebody is there.
    .addColumn('until', integer, column => column.notNull())
    .addPrimaryKeyConstraint('space_seats_key', ['space', 'principal', 'node'])
    .execute()
  await db.schema.createIndex('space_seats_node').on('space_seats').column('node').execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['space_seats', 'space_members', 'spaces']) {
    await db.schema.dropTable(table).execute()
  }
}
