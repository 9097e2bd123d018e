/** F4: a disk that fails a sync. A later success proves nothing, so the server ends. */
import { describe, expect, test } from 'vitest'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { missing } from '../support/needs.ts'
import { failSyncAt } from '../support/sync-errors.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('failing syncs', { binaries: ['strace'] })

describe.skipIf(reason !== null)(`failing syncs, SEED=${seed}`, () => {
  const random = seededRandom(seed)
  const points = [
    [1, 12],
    [13, 25],
    [26, 60],
    [61, 120],
    [121, 200],
  ].map(([from = 1, to = 1]) => integerBetween(random, from, to))

  test.each(points)('[F4] EIO at sync number %i', async n => {
    const report = await failSyncAt(n, seed)
    process.stdout.write(`${JSON.stringify({ ...report, seed })}\n`)
    const { lost, invented, served, exit } = report
    expect({ lost, invented, served }).toEqual({ lost: [], invented: [], served: true })
    expect(exit).toBe(70)
  })
})
