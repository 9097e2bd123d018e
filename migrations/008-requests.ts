/** Access that is asked for: requests, what was decided on them, and the policies they go by. */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await createRequests(db, dialect)
  await db.schema
    .createTable('request_decisions')
    .addColumn('request_id', 'text', column => column.notNull())
    // 1, 2, 3 in each request.
    .addColumn('number', 'integer', column => column.notNull())
    .addColumn('step', 'integer', column => column.notNull())
    .addColumn('decided_by', 'text', column => column.notNull())
    // JSON: as whom of those who were asked.
    .addColumn('acts_as', 'text', column => column.notNull())
    .addColumn('decision', 'text', column => column.notNull())
    .addColumn('is_override', 'integer', column => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('at', dialect.integer, column => column.notNull())
    .addPrimaryKeyConstraint('request_decisions_key', ['request_id', 'number'])
    .execute()
  await db.schema
    .createTable('access_policies')
    .addColumn('pattern', 'text', column => column.primaryKey())
    // JSON.
    .addColumn('policy', 'text', column => column.notNull())
    .addColumn('changed_by', 'text', column => column.notNull())
    .addColumn('changed_at', dialect.integer, column => column.notNull())
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['access_policies', 'request_decisions', 'access_requests']) {
    await db.schema.dropTable(table).execute()
  }
}

async function createRequests(db: Kysely<unknown>, { integer }: Dialect): Promise<void> {
  await db.schema
    .createTable('access_requests')
    .addColumn('id', 'text', column => column.primaryKey())
    // Raised by every change, which names the version that it is about.
    .addColumn('version', integer, column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('resource', 'text', column => column.notNull())
    .addColumn('role', 'text', column => column.notNull())
    .addColumn('duration_ms', integer, column => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('requester', 'text', column => column.notNull())
    .addColumn('requester_name', 'text', column => column.notNull())
    .addColumn('requester_kind', 'text', column => column.notNull())
    // Only tokens of this issuer are to have what is given; null: all of the subject.
    .addColumn('issuer', 'text')
    .addColumn('is_emergency', 'integer', column => column.notNull())
    // JSON: the part of the policy by which it is decided, as it was when it was asked.
    .addColumn('plan', 'text', column => column.notNull())
    .addColumn('step', 'integer', column => column.notNull())
    .addColumn('is_escalated', 'integer', column => column.notNull())
    .addColumn('decide_by', integer)
    .addColumn('grant_id', 'text')
    .addColumn('created_at', integer, column => column.notNull())
    .addColumn('decided_at', integer)
    .execute()
  const index = (name: string) => db.schema.createIndex(name).on('access_requests')
  await index('access_requests_requester').columns(['requester', 'status']).execute()
  await index('access_requests_resource').columns(['resource', 'status']).execute()
  await index('access_requests_due').columns(['status', 'decide_by']).execute()
  // Nobody asks for the same twice while the first waits for an answer.
  await index('access_requests_open')
    .unique()
    .columns(['requester', 'resource', 'status'])
    .where(sql.ref('status'), 'in', [sql.lit('pending'), sql.lit('review')])
    .execute()
}
