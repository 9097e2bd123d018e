/** The tables of the token service for a command, beside a server or before the first one. */
import { existsSync } from 'node:fs'
import type { TokenDatabase } from '../access/tokens/tables.ts'
import { tokenTables } from '../app-tokens.ts'
import type { Config } from '../config.ts'
import { openPostgresSchema, openSqliteSchema } from '../database/schema.ts'
import { openPostgres, toStartError } from '../database/postgres-database.ts'
import { openSqlite } from '../database/sqlite-database.ts'
import { lockDataDir, sqliteFiles } from '../journal/sqlite/sqlite-files.ts'

export async function withTokenTables<T>(
  config: Config,
  action: (database: TokenDatabase) => Promise<T>,
): Promise<T> {
  const { WEFT_DATABASE_URL: url } = config
  await bringUp(config)
  const db = url === undefined ? openSqlite(databaseFile(config)) : openPostgres(url)
  try {
    return await action(tokenTables({ db, dialect: url === undefined ? 'sqlite' : 'postgres' }))
  } catch (error) {
    throw url !== undefined && isAway(error) ? toStartError(url, error) : error
  } finally {
    await db.destroy()
  }
}

/** As a start does; on SQLite not beneath a server that runs. */
async function bringUp(config: Config): Promise<void> {
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  const isNew = url === undefined && !existsSync(databaseFile(config))
  let unlock = isNew ? lockDataDir(dataDir) : undefined
  const schema =
    url === undefined ? openSqliteSchema(databaseFile(config)) : openPostgresSchema(url)
  try {
    if ((await schema.status()).every(({ ranAt }) => ranAt !== null)) return
    if (url === undefined) unlock ??= lockDataDir(dataDir)
    await schema.up()
  } finally {
    await schema.close()
    unlock?.()
  }
}

const databaseFile = ({ WEFT_DATA_DIR: dataDir }: Config) => sqliteFiles(dataDir).database

const isAway = (error: unknown) => error instanceof Error && 'syscall' in error
