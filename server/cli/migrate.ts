/** `weft migrate up|down|status`: the schema of the store, whichever it is. */
import { readConfig } from '../config.ts'
import { openPostgresSchema, openSqliteSchema, type Schema } from '../database/schema.ts'
import { lockDataDir, sqliteFiles } from '../journal/sqlite/sqlite-files.ts'

const EXIT = { done: 0, usage: 64 } as const

export async function migrate(args: readonly string[]): Promise<number> {
  const [direction = '', consent] = args
  const action = Object.hasOwn(actions, direction) ? actions[direction] : undefined
  if (action === undefined) {
    console.error('usage: weft migrate up|down|status')
    return EXIT.usage
  }
  if (direction === 'down' && consent !== '--yes') {
    console.error('weft: a step back deletes what older versions have no room for: add --yes')
    return EXIT.usage
  }
  const { schema, unlock } = openSchema()
  try {
    for (const line of await action(schema)) console.log(line)
    return EXIT.done
  } finally {
    await schema.close()
    unlock()
  }
}

const actions: Readonly<Record<string, (schema: Schema) => Promise<readonly string[]>>> = {
  up: async schema => told('ran', await schema.up()),
  down: async schema => told('took back', await schema.down()),
  status: async schema =>
    (await schema.status()).map(
      ({ name, ranAt }) => `${name.padEnd(30)} ${ranAt?.toISOString() ?? 'to run'}`,
    ),
}

function told(what: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? ['nothing to do'] : names.map(name => `${what} ${name}`)
}

function openSchema(): { readonly schema: Schema; readonly unlock: () => void } {
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = readConfig(process.env)
  if (url !== undefined) return { schema: openPostgresSchema(url), unlock: () => {} }
  // Nobody changes the schema of a file that a server has open.
  const unlock = lockDataDir(dataDir)
  return { schema: openSqliteSchema(sqliteFiles(dataDir).database), unlock }
}
