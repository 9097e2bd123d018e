/** Topics and their patterns, and how requests of signals are read. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WeftError } from './errors.ts'
import { NO_REF, parseSignalRequest, readSignalOrder, tooLargeRequest } from './signal-request.ts'
import { matchesTopic, signalTopic, topicPattern } from './signals.ts'
import { TopicFilter } from './topic-filter.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
process.stdout.write(`seed ${seed}\n`)

const word = fc.constantFrom('a', 'b', 'c')
const topics = fc.array(word, { minLength: 1, maxLength: 5 }).map(words => words.join('.'))
const patterns = fc
  .array(fc.oneof(word, fc.constant('*')), { minLength: 1, maxLength: 5 })
  .map(words => words.join('.'))

/** By the sentence of the README, as a regular expression. */
function naive(pattern: string, topic: string): boolean {
  const words = pattern.split('.')
  const text = words
    .map((one, i) => (one !== '*' ? one : i === words.length - 1 ? '.+' : '[^.]+'))
    .join('\\.')
  return new RegExp(`^${text}$`).test(topic)
}

describe('[G2] topics', () => {
  test('a pattern covers what the sentence says', () => {
    fc.assert(
      fc.property(patterns, topics, (pattern, topic) => {
        expect(matchesTopic(pattern, topic)).toBe(naive(pattern, topic))
      }),
      { seed, numRuns: 5_000 },
    )
  })

  test('a pattern that is covered covers nothing that the other does not', () => {
    fc.assert(
      fc.property(patterns, patterns, topics, (declared, followed, topic) => {
        fc.pre(matchesTopic(declared, followed) && matchesTopic(followed, topic))
        expect(matchesTopic(declared, topic)).toBe(true)
      }),
      { seed, numRuns: 2_000 },
    )
  })

  test('a filter answers as its patterns do, also when it has been asked very much', () => {
    const filter = new TopicFilter()
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 4 }), fc.array(topics), (all, asked) => {
        filter.set(all)
        for (const topic of [...asked, ...asked]) {
          expect(filter.covers(topic)).toBe(all.some(one => naive(one, topic)))
        }
      }),
      { seed, numRuns: 300 },
    )
    filter.set(['x.*'])
    for (let n = 0; n < 1_000; n++) expect(filter.covers(`x.${n}`)).toBe(true)
  })

  test('[T17] the costliest patterns of many sessions cost little for a topic nobody knows', () => {
    const long = (n: number) => `${'a'.repeat(60)}${n + 1_000}`
    const costly = Array.from({ length: 50 }, (_, n) => `${'*.'.repeat(7)}${long(n)}`)
    const filters = Array.from({ length: 500 }, () => new TopicFilter())
    for (const filter of filters) filter.set(costly)
    const least = (action: (topic: string) => void) =>
      Math.min(
        ...Array.from({ length: 8 }, (_, round) => {
          const topic = Array.from({ length: 8 }, (_word, n) => long(round * 8 + n + 100)).join('.')
          const since = performance.now()
          action(topic)
          return performance.now() - since
        }),
      )
    const oneByOne = least(topic => filters.forEach(() => costly.some(p => matchesTopic(p, topic))))
    const together = least(topic => filters.forEach(filter => filter.covers(topic)))
    expect(together).toBeLessThan(oneByOne / 2)
  })

  test.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'ü', 'a'.repeat(65), 'a.a.a.a.a.a.a.a.a', 'a*'])(
    'no topic, and no pattern: "%s"',
    text => {
      expect([signalTopic.safeParse(text).success, topicPattern.safeParse(text).success]).toEqual([
        false,
        false,
      ])
    },
  )
})

describe('[G4] requests', () => {
  const send = { type: 'weft.send', ref: 7, signal: { type: 'chat', to: {}, data: { x: 1 } } }

  test('are read as they were written; a sender of their own is not believed', () => {
    expect(parseSignalRequest(JSON.stringify(send))).toEqual(send)
    const forged = { ...send, signal: { ...send.signal, from: { id: 'root' } } }
    expect(parseSignalRequest(JSON.stringify(forged))).toEqual(send)
    // As other languages write JSON.
    expect(parseSignalRequest(JSON.stringify(send, null, 1))).toEqual(send)
    const follow = { type: 'weft.follow', ref: 8, topics: ['a.*'] }
    expect(parseSignalRequest(JSON.stringify(follow))).toEqual(follow)
  })

  test('what is about something else is nobody’s', () => {
    for (const text of ['', 'x', '{}', '{"type":"mine"}', '{"type":"weft.check","id":1}', 'null']) {
      expect(parseSignalRequest(text)).toBeUndefined()
    }
  })

  test('whatever stands behind the beginning, it is read or answered, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, ref) => {
        const read = parseSignalRequest(`{"type":"weft.send","ref":${ref},${text}`)
        expect(read?.type === 'unreadable' ? read.ref : ref).toBe(ref)
        expect(parseSignalRequest(`{"type":"weft.follow"${text}`)).toBeDefined()
      }),
      { seed, numRuns: 500 },
    )
  })

  test('a number that nobody can read is said to be so', () => {
    expect(parseSignalRequest('{"type":"weft.send","ref":"x"')).toMatchObject({ ref: NO_REF })
    expect(parseSignalRequest('{"type":"weft.send","ref":-5}')).toMatchObject({ ref: NO_REF })
    expect(tooLargeRequest('{"type":"weft.send","ref":12,"signal":{')).toMatchObject({ ref: 12 })
    expect(tooLargeRequest('{"type": "weft.send", "ref": 12, "signal": {')).toMatchObject({
      ref: 12,
    })
    expect(tooLargeRequest('{"type":"weft.check","ref":12,')).toBeUndefined()
  })

  test('of a program: the place of what is wrong is named', () => {
    expect(readSignalOrder(send.signal)).toEqual(send.signal)
    const bad = () => readSignalOrder({ ...send.signal, to: { topic: 'a b' } })
    expect(bad).toThrow(WeftError)
    expect(bad).toThrow(/to\.topic/)
  })
})
