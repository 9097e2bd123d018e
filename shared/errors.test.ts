import { describe, expect, test } from 'vitest'
import { configTable } from '../server/config.ts'
import {
  WeftError,
  errorCodes,
  errorRows,
  isErrorCode,
  toWeftError,
  type ErrorCode,
} from './errors.ts'
import { encodeControlMessage, parseControlMessage } from './protocol.ts'

const rows = errorCodes.map(code => ({ code, ...errorRows[code] }))

describe('the table of refusals', () => {
  test('no code is there twice, and no other text is one', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length)
    for (const code of errorCodes) expect(isErrorCode(code)).toBe(true)
    for (const text of ['', 'internal', 'NOTHING', 'constructor', '__proto__', 'toString']) {
      expect(isErrorCode(text)).toBe(false)
    }
  })

  test.each(rows)(
    '$code: the close code says whether another try makes sense',
    ({ closeCode, retryable }) => {
      const meansTryAgain = closeCode >= 4500 && closeCode <= 4599
      const meansBadDay = closeCode >= 1011 && closeCode <= 1013
      const meansAct = closeCode >= 4400 && closeCode <= 4499
      expect([meansTryAgain || meansBadDay, meansAct]).toEqual([retryable, !retryable])
    },
  )

  /** Where HTTP tells more than a close code does. */
  const others: Partial<Record<ErrorCode, number>> = {
    DOCUMENT_DELETED: 410,
    DOCUMENT_DAMAGED: 500,
    EDIT_CONFLICT: 409,
    REQUEST_REPEATED: 422,
  }

  test.each(rows)('$code: its HTTP status says the same', ({ code, ...row }) => {
    if (row.retryable) expect([429, 500, 503]).toContain(row.status)
    else expect(row.status).toBe(others[code] ?? row.closeCode - 4000)
  })

  test.each(rows)('$code: close code and name fit into a close frame', ({ code }) => {
    // The protocol of WebSockets leaves 123 bytes for the reason.
    expect(new TextEncoder().encode(code).byteLength).toBeLessThanOrEqual(123)
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
  })

  test.each(rows)('$code: the hint is a sentence, and the settings in it exist', ({ hint }) => {
    expect(hint).toMatch(/^[A-Z].*\.$/)
    for (const [name] of hint.matchAll(/WEFT_[A-Z_]+/g)) expect(configTable).toHaveProperty(name)
  })
})

describe('a refusal on its way', () => {
  test.each(errorCodes)('%s reads back from the wire', code => {
    const error = new WeftError(code, 'because of this', { retryAfterMs: 5 })
    const wire = error.toWire()
    expect(wire).toEqual({
      code,
      message: 'because of this',
      retryable: error.retryable,
      hint: error.hint,
      retryAfterMs: 5,
    })
    const sent = encodeControlMessage({ type: 'weft.error', error: wire })
    expect(parseControlMessage(sent)).toEqual({ type: 'weft.error', error: wire })
  })

  test('without a time to wait, none is sent', () => {
    expect(new WeftError('INTERNAL', 'no').toWire()).not.toHaveProperty('retryAfterMs')
  })

  test('the cause stays here', () => {
    const error = new WeftError('JOURNAL_UNAVAILABLE', 'no', { cause: new Error('/secret/path') })
    expect(error.cause).toMatchObject({ message: '/secret/path' })
    expect(JSON.stringify(error.toWire())).not.toContain('/secret/path')
  })
})

describe('anything thrown, as a refusal', () => {
  test('a refusal stays the same object', () => {
    const error = new WeftError('FORBIDDEN', 'no')
    expect(toWeftError(error)).toBe(error)
  })

  const awkward = {
    toString: () => 'password',
    get message(): string {
      throw new Error('password')
    },
  }
  test.each([
    ['an error', new Error('password')],
    ['an error that names a code', Object.assign(new Error('password'), { code: 'FORBIDDEN' })],
    ['a wire form', { ...new WeftError('FORBIDDEN', 'password').toWire() }],
    ['a text', 'password'],
    ['nothing', undefined],
    ['null', null],
    ['an object that throws when it is read', awkward],
    ['an object without a prototype', Object.create(null) as unknown],
  ])('%s is INTERNAL, says nothing of itself, and is kept as the cause', (_what, thrown) => {
    const error = toWeftError(thrown)
    expect(error.code).toBe('INTERNAL')
    expect(error.message).toBe('something went wrong on our side')
    expect(error.cause).toBe(thrown)
    expect(JSON.stringify(error.toWire())).not.toContain('password')
    expect(error.stack).not.toContain('password')
  })
})
