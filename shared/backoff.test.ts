import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, reconnectBackoff } from './backoff.ts'
import { seededRandom, type Random } from './random.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const always = (value: number): Random => ({ next: () => value, id: () => '' })
const lowest = always(0)
/** The largest number below 1. */
const highest = always(1 - Number.EPSILON / 2)

describe('backoff', () => {
  test('the span doubles with each attempt, up to the limit', () => {
    const spans = [1, 2, 3, 4, 5, 6, 7].map(attempt =>
      Math.round(backoffMs(attempt, highest, reconnectBackoff)),
    )
    expect(spans).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  test('no attempt waits less than the least', () => {
    for (const attempt of [1, 2, 10, 1000]) {
      expect(backoffMs(attempt, lowest, reconnectBackoff)).toBe(1_000)
    }
  })

  test('the thousandth attempt waits like the tenth', () => {
    for (const attempt of [31, 1000, 1e9, Number.MAX_SAFE_INTEGER]) {
      expect(backoffMs(attempt, highest, reconnectBackoff)).toBe(
        backoffMs(10, highest, reconnectBackoff),
      )
    }
  })

  test('a least and a most that are equal leave no choice', () => {
    expect(backoffMs(3, highest, { minMs: 500, maxMs: 500 })).toBe(500)
  })

  test(`any attempt is a finite span within its bounds, SEED=${seed}`, () => {
    const options = fc
      .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 1e7 }))
      .map(([minMs, more]) => ({ minMs, maxMs: minMs + more }))
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), draw, options, (attempt, drawn, given) => {
        const waitMs = backoffMs(attempt, always(drawn), given)
        expect(waitMs).toBeGreaterThanOrEqual(given.minMs)
        expect(waitMs).toBeLessThanOrEqual(Math.min(given.maxMs, given.minMs * 2 ** attempt))
      }),
      { seed, numRuns: 1000 },
    )
  })

  test(`clients that lost one server come back evenly over the whole span, SEED=${seed}`, () => {
    const random = seededRandom(seed)
    const tenths = Array.from({ length: 10 }, () => 0)
    for (let client = 0; client < 10_000; client++) {
      const waitMs = backoffMs(5, random, reconnectBackoff)
      const tenth = Math.floor(((waitMs - 1_000) / 29_000) * 10)
      tenths[tenth] = (tenths[tenth] ?? 0) + 1
    }
    expect(tenths).toHaveLength(10)
    // Five standard deviations around 1000.
    for (const clients of tenths) expect(Math.abs(clients - 1000)).toBeLessThan(150)
  })
})
