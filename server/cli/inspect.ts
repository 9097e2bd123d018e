/** `weft inspect <document>`: what is stored of it, checked. Works beside a running server. */
import { existsSync } from 'node:fs'
import { documentName } from '../../shared/names.ts'
import { WeftError } from '../../shared/errors.ts'
import { readConfig } from '../config.ts'
import type { Inspection } from '../journal/journal.ts'
import { inspectFile } from '../journal/sqlite/inspect-file.ts'
import { sqliteFiles } from '../journal/sqlite/sqlite-files.ts'

const EXIT = { sound: 0, damaged: 1, noInput: 66, usage: 64 } as const

export function inspect(args: readonly string[]): Promise<number> {
  const [given] = args
  if (given === undefined) {
    console.error('usage: weft inspect <document>')
    return Promise.resolve(EXIT.usage)
  }
  const dataDir = readConfig(process.env).WEFT_DATA_DIR
  if (!existsSync(sqliteFiles(dataDir).database)) {
    console.error(`weft: there is no store in ${dataDir} (WEFT_DATA_DIR)`)
    return Promise.resolve(EXIT.noInput)
  }
  try {
    const inspection = inspectFile(dataDir, documentName(given))
    if (inspection === undefined) {
      console.error(`weft: there is no document ${JSON.stringify(given)}`)
      return Promise.resolve(EXIT.noInput)
    }
    console.log(describeInspection(inspection))
    return Promise.resolve(inspection.damage.length === 0 ? EXIT.sound : EXIT.damaged)
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    console.error(`weft: ${error.message}. ${error.hint}`)
    return Promise.resolve(EXIT.usage)
  }
}

export function describeInspection({
  head,
  snapshots,
  entries,
  authors,
  damage,
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
    ...(damage.length === 0
      ? ['damage       none: every checksum fits and no entry is missing']
      : damage.map(({ sentence }) => `damage       ${sentence}`)),
  ].join('\n')
}
