/** `weft repair <document>`: accepts what is lost, so that the rest can be opened. */
import { documentName } from '../../shared/names.ts'
import { readConfig } from '../config.ts'
import { withPostgres } from '../journal/postgres/database.ts'
import { repairDocument } from '../journal/postgres/repair-document.ts'
import { repairFile } from '../journal/sqlite/repair-file.ts'

const EXIT = { done: 0, failed: 1, noInput: 66, usage: 64 } as const

export async function repair(args: readonly string[]): Promise<number> {
  const [given] = args
  if (given === undefined) {
    console.error('usage: weft repair <document>')
    return EXIT.usage
  }
  try {
    const name = documentName(given)
    const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = readConfig(process.env)
    const report =
      url === undefined
        ? repairFile(dataDir, name, Date.now())
        : await withPostgres(url, database => repairDocument(database, name, Date.now()))
    if (report === undefined) {
      console.error(`weft: there is no document ${JSON.stringify(given)}`)
      return EXIT.noInput
    }
    const { damage, seq, lost } = report
    if (damage.length === 0) console.log(`${given} is sound; nothing was changed`)
    else {
      for (const sentence of damage) console.log(`found        ${sentence}`)
      console.log(`lost         ${lost} readable updates depend on lost ones`)
      console.log(`repaired     ${given} opens again, from seq ${seq}; damaged rows were kept`)
      console.log(
        '             clients that still hold lost edits bring them back when they connect',
      )
    }
    return EXIT.done
  } catch (error) {
    if (!(error instanceof Error)) throw error
    console.error(`weft: ${error.message}`)
    return EXIT.failed
  }
}
