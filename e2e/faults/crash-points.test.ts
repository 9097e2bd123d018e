/** F1: a server that dies at an exact write, sync or answer. */
import { describe, expect, test } from 'vitest'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { crashAt, crashCalls } from '../support/crash-points.ts'
import { missing } from '../support/needs.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('crash points', { binaries: ['strace'] })

describe.skipIf(reason !== null)(`crash points, SEED=${seed}`, () => {
  const random = seededRandom(seed)
  // Points in every part of the run: while it starts, with the first edits, and later.
  const points = crashCalls.flatMap(call =>
    [
      [1, 20],
      [21, 120],
      [121, 400],
    ].map(([from = 1, to = 1]) => ({ call, n: integerBetween(random, from, to) })),
  )
  // Between the statements of the first migration: once left half a schema, and no way forward.
  points.push({ call: 'fsync', n: 13 })

  test.each(points)('[F1] killed at $call number $n', async point => {
    const { lost, invented, reached } = await crashAt(point, seed)
    expect({ lost, invented, reached }).toEqual({ lost: [], invented: [], reached: true })
  })
})
