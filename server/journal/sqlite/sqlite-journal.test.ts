import { describe, expect, test } from 'vitest'
import { documentName } from '../../../shared/names.ts'
import { migrateSqliteFile } from '../../database/sqlite-database.ts'
import { journalContract } from '../journal.contract.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { sqliteFiles } from './sqlite-files.ts'
import { openSqliteJournal } from './sqlite-journal.ts'

async function openTemporary() {
  const folder = temporaryFolder()
  const dataDir = folder.path
  const options = { dataDir, migrate: () => migrateSqliteFile(sqliteFiles(dataDir).database) }
  let journal = await openSqliteJournal(options)
  return {
    options,
    journal,
    reopen: async () => {
      await journal.close()
      journal = await openSqliteJournal(options)
      return journal
    },
    close: async () => {
      await journal.close()
      folder.remove()
    },
  }
}

journalContract('sqlite', openTemporary)

describe('the sqlite journal', () => {
  test('[J9] a second process is kept away from the folder', async () => {
    const first = await openTemporary()
    await expect(openSqliteJournal(first.options)).rejects.toThrow(/another weft is running/)
    await first.close()
  })

  test('[J5] appends of one turn share a commit', async () => {
    const folder = temporaryFolder()
    const commits: number[] = []
    const journal = await openSqliteJournal({
      dataDir: folder.path,
      migrate: () => migrateSqliteFile(sqliteFiles(folder.path).database),
      onCommit: ({ entries }) => void commits.push(entries),
    })
    const name = documentName('a')
    await journal.open(name, { incarnation: 'i', by: 'x', at: 1, afterDeletion: false })
    const entries = [{ author: 'x', at: 1, update: Uint8Array.of(1) }]
    await Promise.all(
      Array.from({ length: 500 }, () => journal.append({ name, incarnation: 'i', entries })),
    )
    expect(commits).toEqual([500])
    await journal.close()
    folder.remove()
  })

  test('a closed journal answers no more', async () => {
    const { journal, close } = await openTemporary()
    await close()
    await expect(journal.open(documentName('a'))).rejects.toThrow(/was closed/)
  })
})
