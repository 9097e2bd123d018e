import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../shared/random.ts'
import {
  decodeDocumentMessage,
  encodeDocumentMessage,
  type DocumentMessage,
} from './document-message.ts'

const incarnation = 'life-1'
const change = {
  author: 'ada',
  at: 1_700_000_000_000,
  handsOver: true,
  update: Uint8Array.of(1, 2),
}
const messages: readonly DocumentMessage[] = [
  {
    kind: 'changes',
    incarnation,
    count: 7,
    changes: [change, { ...change, handsOver: false }],
    stored: {
      count: 5,
      since: 3,
      ranges: [
        { from: 10, to: 10 },
        { from: 12, to: 400 },
      ],
    },
  },
  { kind: 'ask', incarnation },
  {
    kind: 'answer',
    incarnation,
    to: 'n1',
    count: 3,
    changes: [{ ...change, node: 'n2', count: 9 }],
  },
  { kind: 'beat', incarnation, count: 2, seq: 1_000_000, digest: 'abc' },
  { kind: 'gone', incarnation },
]

describe('messages about a document', () => {
  test.each(messages)('$kind comes back as it was', message => {
    expect(decodeDocumentMessage(encodeDocumentMessage(message))).toEqual(message)
  })

  test.each(messages)('$kind, cut anywhere or with something behind it, is refused', message => {
    const bytes = encodeDocumentMessage(message)
    const refused = expect.objectContaining({ code: 'FRAME_INVALID' }) as unknown
    const attempts = Array.from({ length: bytes.byteLength }, (_, length) => bytes.slice(0, length))
    for (const attempt of [...attempts, Uint8Array.of(...bytes, 0)]) {
      let outcome: unknown = 'taken'
      try {
        decodeDocumentMessage(attempt)
      } catch (error) {
        outcome = error
      }
      expect(outcome).toEqual(refused)
    }
  })

  test('rubbish is refused, and never asks for more memory than it has bytes', () => {
    const random = seededRandom(1)
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: Math.floor(random.next() * 60) }, () =>
        Math.floor(random.next() * 256),
      )
      try {
        decodeDocumentMessage(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'FRAME_INVALID' })
      }
    }
    expect(true).toBe(true)
  })
})
