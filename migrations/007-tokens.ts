/**
 * The token service: API keys, refresh tokens, what was taken back, and the keys that sign. Of
 * secrets that others hold there are hashes alone. The private halves of `signing_keys` are as
 * they are, so who reads them makes tokens: guard backups of this table like the secret itself.
 */
import type { Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await createKeys(db, dialect)
  await createRefreshTokens(db, dialect)
  // In the order of `seq` they are told to the other servers.
  await db.schema
    .createTable('revocations')
    .addColumn('seq', dialect.autoId, column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('value', 'text', column => column.notNull())
    // Only what this line of API keys made; null: whoever made it.
    .addColumn('client', 'text')
    .addColumn('before', dialect.integer, column => column.notNull())
    .addColumn('until', dialect.integer, column => column.notNull())
    .execute()
  await db.schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', column => column.primaryKey())
    .addColumn('private_jwk', 'text', column => column.notNull())
    .addColumn('public_jwk', 'text', column => column.notNull())
    .addColumn('created_at', dialect.integer, column => column.notNull())
    // Known to everybody some time before the first token is signed with it.
    .addColumn('signs_from', dialect.integer, column => column.notNull())
    // Set when another one follows: then the last token that it signed is over.
    .addColumn('verifies_until', dialect.integer)
    .execute()
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['signing_keys', 'revocations', 'refresh_tokens', 'api_keys']) {
    await db.schema.dropTable(table).execute()
  }
}

async function createKeys(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', column => column.primaryKey())
    // The id of the first one, which those that replace it go on with.
    .addColumn('line', 'text', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('salt', 'text', column => column.notNull())
    // JSON: what it may do, where, and up to which role.
    .addColumn('scopes', 'text', column => column.notNull())
    .addColumn('created_by', 'text', column => column.notNull())
    .addColumn('created_at', dialect.integer, column => column.notNull())
    .addColumn('expires_at', dialect.integer)
    .addColumn('last_used_at', dialect.integer)
    .addColumn('revoked_at', dialect.integer)
    .addColumn('replaced_by', 'text')
    .execute()
  await db.schema.createIndex('api_keys_replaced_by').on('api_keys').column('replaced_by').execute()
}

async function createRefreshTokens(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('refresh_tokens')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('family', 'text', column => column.notNull())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('client', 'text', column => column.notNull())
    // JSON: what the tokens of the family say.
    .addColumn('principal', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    // Together with the token itself it makes the token that follows; gone when that one is used.
    .addColumn('seed', 'text')
    .addColumn('created_at', dialect.integer, column => column.notNull())
    .addColumn('expires_at', dialect.integer, column => column.notNull())
    .addColumn('used_at', dialect.integer)
    .addColumn('revoked_at', dialect.integer)
    .addColumn('replaced_by', 'text')
    .execute()
  for (const column of ['family', 'subject', 'client', 'expires_at']) {
    await db.schema
      .createIndex(`refresh_tokens_${column}`)
      .on('refresh_tokens')
      .column(column)
      .execute()
  }
}
