/** `weft audit verify|export`: is the log what was written, and what is in it. Works beside servers. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { WeftError } from '../../shared/errors.ts'
import { anchorFile } from '../app-database.ts'
import { AnchorFile, type AnchorReading } from '../audit/anchor-file.ts'
import { AuditTable } from '../audit/audit-table.ts'
import { exportTable } from '../audit/audit.ts'
import { verifyTable, type Verdict } from '../audit/verify.ts'
import { readConfig, type Config } from '../config.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { SqlError } from '../database/sql-error.ts'
import { sqliteFiles } from '../journal/sqlite/sqlite-files.ts'
import { UsageError } from './usage-error.ts'

const EXIT = { sound: 0, damaged: 1, noInput: 66, unavailable: 69 } as const

export async function audit(args: readonly string[]): Promise<number> {
  const [action = '', ...rest] = args
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (run === undefined) throw new UsageError('say what: verify or export')
  const options = readOptions(rest)
  const config = readConfig(process.env)
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  const { database: file } = sqliteFiles(dataDir)
  if (url === undefined && !existsSync(file)) {
    console.error(`weft: there is no store in ${dataDir} (WEFT_DATA_DIR)`)
    return EXIT.noInput
  }
  const database: Database = openDatabase(
    url === undefined ? { kind: 'sqlite', file } : { kind: 'postgres', url, timeoutMs: 60_000 },
  )
  try {
    return await run(new AuditTable(database), options, config)
  } catch (error) {
    if (!(error instanceof WeftError || error instanceof SqlError)) throw error
    console.error(`weft: the audit log cannot be read: ${error.message}`)
    return EXIT.unavailable
  } finally {
    await database.close()
  }
}

type Options = {
  readonly anchors?: string | undefined
  /** Ms since 1970. */
  readonly from: number | undefined
  readonly to: number | undefined
}

function readOptions(args: readonly string[]): Options {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      args: [...args],
      options: { anchors: text, from: text, to: text },
    })
    return { ...values, from: instant(values.from), to: instant(values.to) }
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function instant(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new UsageError(`"${text}" is no time; write 2026-01-31T12:00:00Z`)
  return at
}

type Action = (table: AuditTable, options: Options, config: Config) => Promise<number>

const actions: Readonly<Record<string, Action>> = { verify, export: exportRows }

async function verify(table: AuditTable, options: Options, config: Config): Promise<number> {
  const anchors =
    options.anchors === undefined
      ? anchorFile(config)
      : new AnchorFile({ file: options.anchors, secret: config.WEFT_AUDIT_SECRET })
  const reading = await anchors.read()
  if (reading === undefined && options.anchors !== undefined) {
    console.error(`weft: there are no anchors in ${options.anchors}`)
    return EXIT.noInput
  }
  const verdict = await verifyTable(table, reading)
  console.log(describe(verdict, anchors.file, reading))
  return verdict.ok ? EXIT.sound : EXIT.damaged
}

function describe(verdict: Verdict, file: string, reading: AnchorReading | undefined): string {
  if (!verdict.ok) return `damage       ${verdict.finding.sentence}`
  const { rows, anchors, anchoredTo } = verdict
  const unreadable = reading?.unreadable.length ?? 0
  return [
    `rows         ${rows}, each as it was written`,
    reading === undefined
      ? `anchors      none in ${file}: rows that were cut off at the end would not be missed`
      : `anchors      ${anchors} in ${file}, up to row ${anchoredTo}`,
    ...(unreadable === 0 ? [] : [`             ${unreadable} lines of it cannot be read`]),
  ].join('\n')
}

async function exportRows(table: AuditTable, { from, to }: Options): Promise<number> {
  for await (const lines of exportTable(table, { from, to })) {
    if (!process.stdout.write(lines)) await once(process.stdout, 'drain')
  }
  return EXIT.sound
}
