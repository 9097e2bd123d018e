import { describe, expect, test } from 'vitest'
import { NO_COLOR, PERSON_NAME_MAX, safeColor, safeName } from './person.ts'

describe('a person', () => {
  test.each([
    ['Ada Byron', 'Ada Byron'],
    ['  Ada \t', 'Ada'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['\u2066a\u2069\u200f\u061c', 'a'],
    ['\u001b[31mred\u0000', '[31mred'],
    ['<b>bold</b>', '<b>bold</b>'],
    ['عائشة', 'عائشة'],
    ['', ''],
  ])('the name %j is shown as %j', (given, shown) => expect(safeName(given)).toBe(shown))

  test('a name is no longer than its limit, and no sign of it is cut in two', () => {
    expect(safeName('x'.repeat(1_000_000))).toBe('x'.repeat(PERSON_NAME_MAX))
    expect(safeName('🧶'.repeat(100))).toBe('🧶'.repeat(PERSON_NAME_MAX))
  })

  test.each([
    '#fff',
    '#30BCED',
    '#30bced33',
    'tomato',
    'rgb(1, 2, 3)',
    'hsl(210deg 40% 50% / 0.5)',
  ])('the colour %s stays', color => expect(safeColor(color)).toBe(color))

  test.each([
    'red;position:fixed',
    'url(x)',
    '#ggg',
    'rgb(1,2,3);x',
    'rgb(url(x))',
    '',
    7,
    null,
    {},
  ])('%j is no colour', color => expect(safeColor(color)).toBe(NO_COLOR))
})
