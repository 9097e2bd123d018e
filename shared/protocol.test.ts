import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { errorCodes } from './errors.ts'
import {
  authType,
  awarenessFrame,
  closeFrame,
  handshakeFrame,
  numberedFrame,
  messageType,
  permissionDeniedFrame,
  pingFrame,
  pongFrame,
  statelessFrame,
  syncFrame,
  syncStatusFrame,
  syncStep,
  tokenFrame,
} from './frames.ts'
import {
  PROTOCOL_VERSION,
  allMessages,
  encodeControlMessage,
  parseClientHello,
  parseControlMessage,
  type ControlMessage,
} from './protocol.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** What old clients in the world speak: the version, and the shape of everything on the wire. */
const known = {
  version: 5,
  fingerprint: '3e74418eae35e7a1d55236c02de61076c76d3fcd6eee84f797c471729d450f76',
}

/** The same text for the same value, in whatever order its fields and its lists of words stand. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null) return inner
    if (!Array.isArray(inner)) {
      return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    }
    return inner.every(one => typeof one === 'string') ? inner.toSorted() : (inner as unknown[])
  })
}

/** One of each, so that a field that moves inside a frame is seen too. */
const frames = [
  syncFrame('a', syncStep.update, Uint8Array.of(1)),
  numberedFrame('a', { step: syncStep.update, update: Uint8Array.of(1), number: 7 }),
  handshakeFrame('a', { step: syncStep.step2, payload: Uint8Array.of(1), incarnation: 'life-1' }),
  awarenessFrame('a', Uint8Array.of(1)),
  syncStatusFrame('a', { saved: true, count: 2, seq: 3, total: 4 }),
  statelessFrame('a', 'payload'),
  closeFrame('a', 'reason'),
  permissionDeniedFrame('a', 'reason'),
  tokenFrame('a', { token: 'token', version: 'version', hello: 'hello' }),
  pingFrame,
  pongFrame,
]

const onTheWire = {
  messages: allMessages.map(schema => z.toJSONSchema(schema)),
  messageType,
  syncStep,
  authType,
  frames: frames.map(frame => Buffer.from(frame).toString('hex')),
}

describe('the protocol', () => {
  test('nothing on the wire changes without a new version', () => {
    const wire = canonical({ ...onTheWire, version: PROTOCOL_VERSION })
    const fingerprint = createHash('sha256').update(wire).digest('hex')
    const advice =
      PROTOCOL_VERSION === known.version
        ? 'What is on the wire has changed, and clients of the old version are out there. Undo the ' +
          'change, or raise PROTOCOL_VERSION in shared/protocol.ts and write the new version and ' +
          `the fingerprint ${fingerprint} into shared/protocol.test.ts.`
        : `PROTOCOL_VERSION is ${PROTOCOL_VERSION} now: write it and the fingerprint ${fingerprint} ` +
          'into shared/protocol.test.ts, when both ends still understand the version before it.'
    expect({ version: PROTOCOL_VERSION, fingerprint }, advice).toEqual(known)
  })

  test('the fingerprint sees types, fields, codes and numbers', () => {
    const text = canonical(onTheWire)
    for (const part of ['weft.hello', 'weft.saving', 'weft.error', 'incarnation', 'updateBytes']) {
      expect(text).toContain(`"${part}"`)
    }
    for (const code of errorCodes) expect(text).toContain(`"${code}"`)
    for (const number of ['"syncStatus":8', '"step2":1', '"permissionDenied":1']) {
      expect(text).toContain(number)
    }
  })
})

const hello: ControlMessage = {
  type: 'weft.hello',
  protocol: 1,
  incarnation: 'life-1',
  seq: 7,
  access: 'write',
  schema: 0,
  limits: { updateBytes: 1, frameBytes: 2 },
  pingIntervalMs: 5000,
}

describe('control messages', () => {
  const text = fc.string({ unit: 'grapheme' })
  const number = fc.integer()
  const error = fc.record(
    {
      code: fc.constantFrom(...errorCodes),
      message: text,
      retryable: fc.boolean(),
      retryAfterMs: number,
      hint: text,
    },
    { requiredKeys: ['code', 'message', 'retryable', 'hint'] },
  )
  const message: fc.Arbitrary<ControlMessage> = fc.oneof(
    fc.record({
      type: fc.constant('weft.hello' as const),
      protocol: fc.integer({ min: 1 }),
      incarnation: text,
      seq: number,
      access: fc.constantFrom('read', 'write'),
      schema: fc.nat(),
      limits: fc.record({ updateBytes: number, frameBytes: number }),
      pingIntervalMs: number,
    }),
    fc.record({
      type: fc.constant('weft.saving' as const),
      state: fc.constantFrom('ok', 'failing'),
    }),
    fc.record({
      type: fc.constant('weft.error' as const),
      error,
    }),
    fc.record(
      {
        type: fc.constant('weft.access' as const),
        access: fc.constantFrom('read', 'write'),
        error,
      },
      { requiredKeys: ['type', 'access'] },
    ),
    fc.record(
      {
        type: fc.constant('weft.checked' as const),
        id: fc.nat(),
        result: fc.constantFrom('same', 'different', 'unknown'),
        access: fc.constantFrom('read', 'write'),
        error,
        saving: fc.constantFrom('ok', 'failing'),
      },
      { requiredKeys: ['type', 'id', 'result'] },
    ),
  )

  test(`any of them reads back, SEED=${seed}`, () => {
    fc.assert(
      fc.property(message, given => {
        expect(parseControlMessage(encodeControlMessage(given))).toEqual(given)
      }),
      { seed, numRuns: 500 },
    )
  })

  test('the type stands first, wherever it stood before', () => {
    const { type, ...rest } = hello
    expect(encodeControlMessage({ ...rest, type })).toBe(encodeControlMessage(hello))
    expect(encodeControlMessage({ ...rest, type })).toMatch(/^\{"type":"weft\.hello",/)
  })

  test('fields of a later version are passed over', () => {
    const later = JSON.stringify({ type: 'weft.saving', state: 'ok', since: 5 })
    expect(parseControlMessage(later)).toEqual({ type: 'weft.saving', state: 'ok' })
  })

  test.each([
    ['nothing', ''],
    ['a word', 'hello'],
    ['a message of the application', '{"type":"chat","text":"hi"}'],
    ['one that only quotes us', '{"text":"weft.saving"}'],
    ['our message behind something', ' {"type":"weft.saving","state":"ok"}'],
    ['an unknown message of ours', '{"type":"weft.later","state":"ok"}'],
    ['an unknown state', '{"type":"weft.saving","state":"maybe"}'],
    ['a missing field', '{"type":"weft.saving"}'],
    ['a field of another type', JSON.stringify({ ...hello, seq: '7' })],
    ['a version that is none', JSON.stringify({ ...hello, protocol: 0 })],
    ['half a version', JSON.stringify({ ...hello, protocol: 1.5 })],
    ['an error without a body', '{"type":"weft.error"}'],
    [
      'an unknown error code',
      '{"type":"weft.error","error":{"code":"NEW","message":"","retryable":true,"hint":""}}',
    ],
    ['a type twice', '{"type":"weft.saving","state":"ok","type":"chat"}'],
    ['a list', '[{"type":"weft.saving","state":"ok"}]'],
  ])('%s is not one', (_what, payload) => {
    expect(parseControlMessage(payload)).toBeUndefined()
  })

  test('one that is cut anywhere is not one', () => {
    const whole = encodeControlMessage(hello)
    for (let length = 0; length < whole.length; length++) {
      expect(parseControlMessage(whole.slice(0, length))).toBeUndefined()
    }
  })

  test(`any text is one or undefined, SEED=${seed}`, () => {
    const broken = fc.tuple(message, fc.nat(), fc.string()).map(([one, at, inserted]) => {
      const whole = encodeControlMessage(one)
      const where = at % (whole.length + 1)
      return whole.slice(0, where) + inserted + whole.slice(where)
    })
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), broken), payload => {
        const parsed = parseControlMessage(payload)
        if (parsed === undefined) return
        expect(parseControlMessage(encodeControlMessage(parsed))).toEqual(parsed)
      }),
      { seed, numRuns: 1000 },
    )
  })
})

describe('the hello behind a token', () => {
  test.each([
    { protocol: 1 },
    { protocol: 7, incarnation: 'life-1' },
    { protocol: 1, incarnation: 'x'.repeat(64) },
  ])('%j reads back', given => {
    expect(parseClientHello(JSON.stringify(given))).toEqual(given)
  })

  test.each([
    ['of a stock client: nothing', ''],
    ['a word', 'weft'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['version 0', '{"protocol":0}'],
    ['version 1.5', '{"protocol":1.5}'],
    ['a version in quotes', '{"protocol":"1"}'],
    ['an incarnation that is a number', '{"protocol":1,"incarnation":5}'],
    ['an incarnation of 65 characters', `{"protocol":1,"incarnation":"${'x'.repeat(65)}"}`],
    ['a cut one', '{"protocol":1'],
  ])('%s is undefined', (_what, text) => {
    expect(parseClientHello(text)).toBeUndefined()
  })
})
