import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  coversPath,
  formatPath,
  parsePathPattern,
  pathPatternSchema,
  pathPatternsSchema,
} from './path-pattern.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

function covers(text: string, path: readonly string[]): boolean {
  const pattern = parsePathPattern(text)
  if (pattern === undefined) throw new Error(`${text} is no pattern`)
  return coversPath(pattern, path)
}

describe('[write rules] patterns of places in a document', () => {
  test.each([
    ['comments', ['comments'], true],
    ['comments', ['comments', 'c1', 'text'], true],
    ['comments', ['commentsX'], false],
    ['comments', ['other', 'comments'], false],
    ['fields.*', ['fields'], false],
    ['fields.*', ['fields', 'a'], true],
    ['fields.*', ['fields', ''], true],
    ['fields.*', ['fields', 'a', 'b'], true],
    ['fields.*.title', ['fields', 'a'], false],
    ['fields.*.title', ['fields', 'a', 'title', 'x'], true],
    ['fields.*.title', ['fields', 'a', 'body'], false],
    ['*', ['anything'], true],
    ['*', ['~weft'], false],
    ['~weft', ['~weft'], true],
    ['*.x', ['~weft', 'x'], false],
    ['a.*', ['a', '~b'], true],
    ['a\\.b', ['a.b'], true],
    ['a\\.b', ['a', 'b'], false],
    ['a\\*', ['a*'], true],
    ['\\*', ['x'], false],
    ['\\\\', ['\\'], true],
    ['constructor.__proto__', ['constructor', '__proto__'], true],
  ])('%s, and the place %j: %s', (pattern, path, expected) => {
    expect(covers(pattern, path)).toBe(expected)
  })

  test.each(['', '.', 'a.', '.a', 'a..b', 'a*', '*a', '**', 'a.**', 'a\\', 'a\\b', '\\'])(
    '%j is no pattern',
    text => {
      expect(parsePathPattern(text)).toBeUndefined()
      expect(pathPatternSchema.safeParse(text).success).toBe(false)
    },
  )

  test('lists of patterns have a length', () => {
    expect(pathPatternsSchema.safeParse(['comments', 'fields.*']).success).toBe(true)
    expect(pathPatternsSchema.safeParse([]).success).toBe(false)
    expect(pathPatternsSchema.safeParse(Array.from({ length: 51 }, () => 'a')).success).toBe(false)
    expect(pathPatternSchema.safeParse('a'.repeat(256)).success).toBe(false)
  })

  test(`a place, written as a pattern, covers that place and no sibling, SEED=${seed}`, () => {
    const segment = fc.string({
      minLength: 1,
      unit: fc.constantFrom('a', '.', '*', '\\', 'é', '~'),
    })
    const path = fc.array(segment, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(path, path, (one, other) => {
        expect(covers(formatPath(one), one)).toBe(true)
        const isBelow = one.every((segment, i) => segment === other[i])
        expect(covers(formatPath(one), other)).toBe(isBelow)
      }),
      { seed },
    )
  })
})
