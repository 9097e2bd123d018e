/** `weft repair <document>`: accepts what is lost, so that the rest can be opened. */
import { documentName } from '../../shared/names.ts'
import { readConfig } from '../config.ts'
import { repairFile } from '../journal/sqlite/repair-file.ts'

const EXIT = { done: 0, failed: 1, noInput: 66, usage: 64 } as const

export function repair(args: readonly string[]): Promise<number> {
  const [given] = args
  if (given === undefined) {
    console.error('usage: weft repair <document>')
    return Promise.resolve(EXIT.usage)
  }
  try {
    const dataDir = readConfig(process.env).WEFT_DATA_DIR
    const report = repairFile(dataDir, documentName(given), Date.now())
    if (report === undefined) {
      console.error(`weft: there is no document ${JSON.stringify(given)}`)
      return Promise.resolve(EXIT.noInput)
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
    return Promise.resolve(EXIT.done)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    console.error(`weft: ${error.message}`)
    return Promise.resolve(EXIT.failed)
  }
}
