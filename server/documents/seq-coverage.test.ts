import { expect, test } from 'vitest'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { SeqCoverage } from './seq-coverage.ts'

test('ranges beyond a gap wait for it to be closed', () => {
  const coverage = new SeqCoverage(3)
  coverage.add({ from: 6, to: 7 })
  expect([coverage.seq, coverage.last]).toEqual([3, 7])
  expect([4, 6, 8].map(seq => coverage.has(seq))).toEqual([false, true, false])
  coverage.add({ from: 9, to: 9 })
  coverage.add({ from: 4, to: 5 })
  expect([coverage.seq, coverage.last]).toEqual([7, 9])
  coverage.add({ from: 8, to: 8 })
  expect([coverage.seq, coverage.last]).toEqual([9, 9])
  coverage.add({ from: 1, to: 4 })
  expect(coverage.seq).toBe(9)
})

test.each([1, 2, 3, 4711])('random ranges of seed %i, against a plain set', seed => {
  const random = seededRandom(seed)
  const coverage = new SeqCoverage(0)
  const known = new Set<number>()
  for (let step = 0; step < 300; step++) {
    const from = integerBetween(random, 1, 400)
    const to = from + integerBetween(random, 0, 5)
    coverage.add({ from, to })
    for (let seq = from; seq <= to; seq++) known.add(seq)
    let whole = 0
    while (known.has(whole + 1)) whole += 1
    expect(coverage.seq).toBe(whole)
    const asked = integerBetween(random, 1, 410)
    expect(coverage.has(asked)).toBe(known.has(asked))
  }
})
