/** F4: a disk that fails a sync. A later success proves nothing, so the server ends. */
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { missing } from '../support/needs.ts'
import { ServerProcess } from '../support/server-process.ts'
import { failSyncAt, startOnBadFolder } from '../support/sync-errors.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const places = Number(process.env['PLACES'] ?? 5)
const LAST = 200
const reason = missing('failing syncs', { binaries: ['strace'] })

describe.skipIf(reason !== null)(`failing syncs, SEED=${seed}`, () => {
  const random = seededRandom(seed)
  // Denser at the beginning, where the files are made.
  const edge = (i: number) => Math.floor(LAST * (i / places) ** 2)
  const points = Array.from({ length: places }, (_, i) =>
    integerBetween(random, edge(i) + 1, Math.max(edge(i) + 1, edge(i + 1))),
  )

  test.each(points)('[F4] EIO at sync number %i', async n => {
    const report = await failSyncAt(n, seed)
    process.stdout.write(`${JSON.stringify({ ...report, seed })}\n`)
    const { lost, invented, served, exit } = report
    expect({ lost, invented, served }).toEqual({ lost: [], invented: [], served: true })
    expect(exit).toBe(70)
  })

  test('[F4] EIO at the sync of the folder, which SQLite does not look at', async () => {
    const folder = temporaryFolder()
    const first = await ServerProcess.start({ dataDir: folder.path })
    await first.kill('SIGTERM')
    expect(await startOnBadFolder(folder.path)).toBe(70)
    folder.remove()
  })
})
