import { describe, expect, test } from 'vitest'
import type { Facts } from '../../shared/decide.ts'
import { WeftError } from '../../shared/errors.ts'
import { readCondition, readStoredCondition } from './condition.ts'

const facts = (more: Partial<Facts> = {}): Facts => ({
  at: Date.UTC(2026, 4, 4, 12),
  address: '10.1.2.3',
  claims: { department: 'legal', level: 3, tags: ['a', 'b'], nested: { deep: true } },
  ...more,
})

describe('conditions', () => {
  test.each([
    ['claims.department == "legal"', true],
    ['claims.department == "sales"', false],
    ['claims.level >= 2.0', true],
    ['claims.level == 3', true],
    ['"a" in claims.tags', true],
    ['claims.nested.deep', true],
    ['claims.missing == "x"', false],
    ['claims.department > 3', false],
    ['has(claims.missing) || address != ""', true],
    ['inNetwork(address, "10.0.0.0/8")', true],
    ['inNetwork(address, "10.2.0.0/16")', false],
    ['inNetwork("::ffff:10.1.2.3", "10.0.0.0/8")', true],
    ['inNetwork("fe80::1", "fe80::/10")', true],
    ['inNetwork(address, "nonsense")', false],
    ['inNetwork(address, "10.0.0.0/99")', false],
    ['now < timestamp("2026-06-01T00:00:00Z")', true],
    ['now.getHours() >= 13', false],
    ['claims.__proto__ == claims', false],
    ['claims.constructor == 1', false],
  ])('%s: %s', (text, expected) => {
    expect(readCondition(text).holds(facts())).toBe(expected)
  })

  test('those that look at the clock say so', () => {
    expect(readCondition('now < timestamp("2026-06-01T00:00:00Z")').dependsOnTime).toBe(true)
    expect(readCondition('claims.level == 3').dependsOnTime).toBe(false)
  })

  test('what cannot be told never lets in, and keeps out', () => {
    const text = 'claims.missing == "x"'
    expect(readCondition(text, 'allow').holds(facts())).toBe(false)
    expect(readCondition(text, 'deny').holds(facts())).toBe(true)
    expect(readCondition('claims.level == 4', 'deny').holds(facts())).toBe(false)
  })

  const zeros = `[${Array(100).fill(0).join(',')}]`
  test.each([
    `[${zeros}].all(l, l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d == 0)))))`,
    'claims.tags.exists(a, claims.tags.exists(b, a == b))',
    `"${'a'.repeat(40)}!".matches("^(a+)+$")`,
    'cel.bind(a, claims.department + claims.department, a == "")',
    '[[claims.tags.map(a, a)]] == []',
    'true || {"a": claims.tags.filter(a, true)} == {}',
    'has(claims.tags) ? claims.tags.exists_one(a, true) : false',
    '"a,b".split(",").join("a") == ""',
  ])('[T17] %s, which can take hours, is refused unasked', text => {
    const before = performance.now()
    expect(() => readCondition(text)).toThrow(/^the condition cannot be used: it may not call \w+$/)
    expect(readStoredCondition(text, 'allow').holds(facts())).toBe(false)
    expect(readStoredCondition(text, 'deny').holds(facts())).toBe(true)
    expect(performance.now() - before).toBeLessThan(1_000)
  })

  test.each([
    'inNetwork(address, "0.0.0.0/0")',
    '!inNetwork(address, "10.0.0.0/8")',
    'address == "10.1.2.3"',
    'address != "10.1.2.3"',
    'address.startsWith("10.")',
    'claims.level == 3 && inNetwork(address, "10.0.0.0/8")',
  ])('[T21] of an unknown address nothing can be told: %s', text => {
    expect(readCondition(text, 'allow').holds(facts({ address: null }))).toBe(false)
    expect(readCondition(text, 'deny').holds(facts({ address: null }))).toBe(true)
  })

  test.each([
    'inNetwork(address, "nonsense")',
    'inNetwork(address, "10.0.0.0/99")',
    'inNetwork(claims.department, "10.0.0.0/8")',
  ])('nor of what is no address or no network: %s', text => {
    expect(readCondition(text, 'allow').holds(facts())).toBe(false)
    expect(readCondition(text, 'deny').holds(facts())).toBe(true)
  })

  test('what does not need the address is told without', () => {
    const text = 'claims.level == 3 || inNetwork(address, "10.0.0.0/8")'
    expect(readCondition(text, 'allow').holds(facts({ address: null }))).toBe(true)
    const other = 'claims.level == 4 && inNetwork(address, "10.0.0.0/8")'
    expect(readCondition(other, 'deny').holds(facts({ address: null }))).toBe(false)
  })

  test.each([
    '',
    'claims.',
    '1 + 1',
    '"text"',
    'unknown == 1',
    'process.exit()',
    'eval("1")',
    'now < 3',
    'x'.repeat(1_001),
    `${'('.repeat(50)}true${')'.repeat(50)}`,
    Array.from({ length: 300 }, () => 'true').join(' && '),
  ])('%j is refused with a sentence', text => {
    expect(() => readCondition(text)).toThrow(WeftError)
    expect(() => readCondition(text)).toThrow(/^the condition cannot be used: \S/)
    expect(readStoredCondition(text, 'allow').holds(facts())).toBe(false)
    expect(readStoredCondition(text, 'deny').holds(facts())).toBe(true)
  })
})
