import { describe, expect, test } from 'vitest'
import { grantSchema, matches, nearness, patternsOf } from './permissions.ts'

describe('patterns of grants', () => {
  test.each([
    ['a/**', 'a/b'],
    ['a/**', 'a/b/c'],
    ['a/b/**', 'a/b/c'],
    ['**', 'a'],
    ['**', 'a/b/c'],
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['a.b/**', 'a.b/c'],
    ['constructor/**', 'constructor/a'],
  ])('%s covers %s', (pattern, resource) => {
    expect(matches(pattern, resource)).toBe(true)
  })

  test.each([
    ['a/**', 'a'],
    ['a/**', 'ab'],
    ['a/**', 'ab/c'],
    ['a/**', 'b/a/c'],
    ['a/**', 'A/b'],
    ['a/b/**', 'a/bc/d'],
    ['a/b/**', 'a/b'],
    ['a', 'a/b'],
    ['a', 'b'],
    ['a/b', 'a'],
    ['a.b/**', 'axb/c'],
  ])('%s does not cover %s', (pattern, resource) => {
    expect(matches(pattern, resource)).toBe(false)
  })

  test.each(['**', 'a', 'a/b', 'a/**', 'a.b~c/d-e_f/**', 'x'.repeat(255)])(
    'a token may name %s',
    resource => {
      expect(grantSchema.safeParse({ resource, role: 'viewer' }).success).toBe(true)
    },
  )

  test.each(['', '*', 'a/*', '**/a', 'a/**/b', 'a**', '/a', 'a/', 'a//b', 'a b', 'x'.repeat(261)])(
    'a token may not name %j',
    resource => {
      expect(grantSchema.safeParse({ resource, role: 'viewer' }).success).toBe(false)
    },
  )

  test.each(['root', 'constructor', 'Viewer', ''])('a token may not name the role %j', role => {
    expect(grantSchema.safeParse({ resource: 'a', role }).success).toBe(false)
  })
})

test('patterns that cover a name, the nearest first', () => {
  expect(patternsOf('a/b/c')).toEqual(['a/b/c', 'a/b/**', 'a/**', '**'])
  expect(patternsOf('a')).toEqual(['a', '**'])
  const levels = patternsOf('a/b/c').map(nearness)
  expect(levels.toSorted((a, b) => b - a)).toEqual(levels)
  expect(new Set(levels).size).toBe(4)
})
