/** The few words in which SQLite and Postgres differ, so that a migration is one file for both. */
import { sql, type CreateTableBuilder, type RawBuilder } from 'kysely'

export type Dialect = {
  readonly name: 'sqlite' | 'postgres'
  readonly autoId: RawBuilder<unknown>
  readonly integer: 'integer' | 'bigint'
  readonly bytes: 'blob' | 'bytea'
  /** Keeps a table's rows in the order of its primary key, where the database can. */
  clustered<Table extends string, Column extends string>(
    builder: CreateTableBuilder<Table, Column>,
  ): CreateTableBuilder<Table, Column>
}

export const sqliteDialect: Dialect = {
  name: 'sqlite',
  autoId: sql`integer`,
  integer: 'integer',
  bytes: 'blob',
  clustered: builder => builder.modifyEnd(sql`without rowid`),
}

export const postgresDialect: Dialect = {
  name: 'postgres',
  autoId: sql`bigint generated always as identity`,
  integer: 'bigint',
  bytes: 'bytea',
  clustered: builder => builder,
}
