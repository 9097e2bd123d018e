/** `weft inspect <document>`: what is stored of it, checked. Works beside a running server. */
import { existsSync } from 'node:fs'
import { documentName, type DocumentName } from '../../shared/names.ts'
import { WeftError } from '../../shared/errors.ts'
import { readConfig, type Config } from '../config.ts'
import type { Inspection } from '../journal/journal.ts'
import { withPostgres } from '../journal/postgres/database.ts'
import { inspectName } from '../journal/postgres/inspect-document.ts'
import { inspectFile } from '../journal/sqlite/inspect-file.ts'
import { sqliteFiles } from '../journal/sqlite/sqlite-files.ts'

const EXIT = { sound: 0, damaged: 1, noInput: 66, usage: 64, unavailable: 69 } as const

export async function inspect(args: readonly string[]): Promise<number> {
  const [given] = args
  if (given === undefined) {
    console.error('usage: weft inspect <document>')
    return EXIT.usage
  }
  const config = readConfig(process.env)
  if (!hasStore(config)) {
    console.error(`weft: there is no store in ${config.WEFT_DATA_DIR} (WEFT_DATA_DIR)`)
    return EXIT.noInput
  }
  try {
    const inspection = await look(config, documentName(given))
    if (inspection === undefined) {
      console.error(`weft: there is no document ${JSON.stringify(given)}`)
      return EXIT.noInput
    }
    console.log(describeInspection(inspection))
    return inspection.damage.length === 0 ? EXIT.sound : EXIT.damaged
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    console.error(`weft: ${error.message}. ${error.hint}`)
    return error.retryable ? EXIT.unavailable : EXIT.usage
  }
}

const hasStore = ({ WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir }: Config) =>
  url !== undefined || existsSync(sqliteFiles(dataDir).database)

async function look(config: Config, name: DocumentName): Promise<Inspection | undefined> {
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  if (url === undefined) return inspectFile(dataDir, name)
  return withPostgres(url, database => inspectName(database, name))
}

export function describeInspection({
  head,
  snapshots,
  entries,
  authors,
  damage,
  bypassed,
}: Inspection): string {
  const at = (ms: number) => new Date(ms).toISOString()
  const state = head.deletedAt === null ? 'living' : `deleted ${at(head.deletedAt)}`
  return [
    `document     ${head.name} (${state})`,
    `incarnation  ${head.incarnation}`,
    `created      ${at(head.createdAt)} by ${head.createdBy}`,
    `updated      ${at(head.updatedAt)}`,
    `head         seq ${head.seq}; opening reads ${head.bytes} bytes`,
    `entries      ${entries.count} from seq ${entries.firstSeq}, ${entries.bytes} bytes`,
    ...snapshots.map(
      ({ seq, at: madeAt, bytes, quarantined }) =>
        `snapshot     at seq ${seq}, ${bytes} bytes, ${at(madeAt)}${quarantined ? ', DAMAGED' : ''}`,
    ),
    ...authors.map(
      ({ author, entries: count, lastAt }) =>
        `author       ${author}: ${count} entries, last ${at(lastAt)}`,
    ),
    ...bypassed.map(({ sentence }) => `bypassed     ${sentence}`),
    ...(damage.length === 0
      ? [
          bypassed.length === 0
            ? 'damage       none: every checksum fits and no entry is missing'
            : 'damage       none: the document opens, from a snapshot above what is bypassed',
        ]
      : damage.map(({ sentence }) => `damage       ${sentence}`)),
  ].join('\n')
}
