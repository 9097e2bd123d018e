import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WeftError } from './errors.ts'
import { NAME_BYTES_MAX, documentName, quoteName, spaceOf } from './names.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const refusal = (text: string): WeftError | undefined => {
  try {
    documentName(text)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(WeftError)
    return error as WeftError
  }
}
const control = Array.from({ length: 0x20 }, (_, code) => code).concat(0x7f)

describe('[G19] document names', () => {
  test.each([
    'a',
    '0',
    'acme/plan-7/notes',
    'A.b_c~d-e',
    'a~',
    'a/~b',
    '-',
    '...',
    '.a',
    'a..',
    'a/..b/c',
    'constructor',
    '__proto__',
    'hasOwnProperty',
    'a/constructor',
    'x'.repeat(NAME_BYTES_MAX),
    'ab/'.repeat(84).concat('abc'),
  ])('%s is a name', text => {
    expect(documentName(text)).toBe(text)
  })

  test.each([
    ['nothing', ''],
    ['one dot', '.'],
    ['two dots', '..'],
    ['two dots at the start', '../a'],
    ['two dots inside', 'a/../b'],
    ['two dots at the end', 'a/..'],
    ['one dot inside', 'a/./b'],
    ['a slash alone', '/'],
    ['a slash at the start', '/a'],
    ['a slash at the end', 'a/'],
    ['an empty segment', 'a//b'],
    ['a space', 'a b'],
    ['a backslash', 'a\\b'],
    ['a percent sign', 'a%2Fb'],
    ['a star', 'a/**'],
    ['a question mark', 'a?b'],
    ['a letter beyond ASCII', 'naïve'],
    ['a letter that looks like a', '\u0430'],
    ['text from right to left', '\u202eabc'],
    ['half of a character', '\ud800'],
    ['a line end behind it', 'a\n'],
    ['256 bytes', 'x'.repeat(NAME_BYTES_MAX + 1)],
    ['255 characters of two bytes', 'é'.repeat(NAME_BYTES_MAX)],
    ['a megabyte', 'x'.repeat(1 << 20)],
  ])('%s is refused', (_what, text) => {
    expect(refusal(text)).toMatchObject({ code: 'NAME_INVALID' })
  })

  test.each(control)('control character %i is refused wherever it stands', code => {
    const character = String.fromCodePoint(code)
    for (const text of [character, `${character}a`, `a${character}b`, `a${character}`]) {
      expect(refusal(text)).toMatchObject({ code: 'NAME_INVALID' })
    }
  })

  test.each(['~', '~user', '~user/1'])('%s belongs to the system', text => {
    expect(refusal(text)).toMatchObject({ code: 'NAME_RESERVED' })
  })

  test('the space of a document is what stands before its last slash', () => {
    expect(spaceOf(documentName('acme/plan/notes'))).toBe('acme/plan')
    expect(spaceOf(documentName('acme/plan'))).toBe('acme')
    expect(spaceOf(documentName('acme'))).toBe('')
  })

  test('a name in a message is printable, short, and can be told from others', () => {
    expect(quoteName('a/b')).toBe('"a/b"')
    expect(quoteName('a"\n\u007fé\u202e')).toBe(String.raw`"a\"\n\u007f\u00e9\u202e"`)
    expect(quoteName('x'.repeat(1 << 20))).toBe(`"${'x'.repeat(80)}..."`)
  })
})

describe(`[G19] any text as a name, SEED=${seed}`, () => {
  const near = fc.string({
    unit: fc.constantFrom('a', 'B', '0', '.', '~', '_', '-', '/', ' ', 'é'),
  })
  const text = fc.oneof(near, fc.string({ unit: 'binary' }))

  test('it is taken as it is, or refused with a printable sentence', () => {
    fc.assert(
      fc.property(text, given => {
        const isFine =
          given.length <= NAME_BYTES_MAX &&
          given
            .split('/')
            .every(
              segment =>
                segment !== '.' &&
                segment !== '..' &&
                !/[^A-Za-z0-9._~-]/.test(segment) &&
                segment !== '',
            )
        const error = refusal(given)
        if (!isFine) expect(error?.code).toBe('NAME_INVALID')
        else if (given.startsWith('~')) expect(error?.code).toBe('NAME_RESERVED')
        else expect(error).toBeUndefined()
        expect(error?.message ?? '').toMatch(/^[\x20-\x7e]{0,600}$/)
      }),
      { seed, numRuns: 2000 },
    )
  })

  test('a quoted one reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), given => {
        expect(JSON.parse(quoteName(given))).toBe(given)
      }),
      { seed, numRuns: 500 },
    )
  })
})
