/** [T25] The way to an address, by a name server of the test's own. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveName, resolveNameBy, type ResolveName } from './resolve-name.ts'

const types = { A: 1, AAAA: 28 } as const
const answers: Readonly<Record<string, Readonly<Partial<Record<keyof typeof types, Buffer[]>>>>> = {
  'four.example': { A: [Buffer.of(192, 0, 2, 1), Buffer.of(10, 0, 0, 1)] },
  'six.example': { AAAA: [Buffer.alloc(16, 1)] },
  'both.example': { A: [Buffer.of(192, 0, 2, 1)], AAAA: [Buffer.alloc(16, 1)] },
  'empty.example': {},
}

const short = (value: number) => Buffer.of(value >> 8, value & 255)

/** RFC 1035, section 4; undefined: says nothing. */
function answerTo(question: Buffer): Buffer | undefined {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const name = labels.join('.')
  if (name === 'silent.example') return undefined
  const type = question.readUInt16BE(at + 1) === types.A ? 'A' : 'AAAA'
  const found = answers[name]?.[type] ?? []
  const flags = name in answers ? 0x8180 : 0x8183
  const records = found.map(data =>
    Buffer.concat([
      short(0xc00c),
      short(types[type]),
      short(1),
      short(0),
      short(60),
      short(data.length),
      data,
    ]),
  )
  const counts = [1, records.length, 0, 0].map(short)
  const head = [question.subarray(0, 2), short(flags), ...counts]
  return Buffer.concat([...head, question.subarray(12, at + 5), ...records])
}

describe('[T25] names', () => {
  let server: Socket
  let resolve: ResolveName
  beforeEach(async () => {
    server = createSocket('udp4').bind(0, '127.0.0.1')
    server.on('message', (question, { port, address }) => {
      const answer = answerTo(question)
      if (answer !== undefined) server.send(answer, port, address)
    })
    await once(server, 'listening')
    resolve = resolveNameBy([`127.0.0.1:${server.address().port}`])
  })
  afterEach(async () => {
    server.close()
    await once(server, 'close')
  })
  const now = () => new AbortController().signal

  const six = '101:101:101:101:101:101:101:101'
  test.each([
    ['four.example', ['192.0.2.1', '10.0.0.1']],
    ['six.example', [six]],
    ['both.example', ['192.0.2.1', six]],
    ['both.example.', ['192.0.2.1', six]],
  ])('%s means all of its addresses', async (name, addresses) => {
    expect(await resolve(name, now())).toEqual(addresses)
  })

  test.each(['empty.example', 'unheard-of.example', 'four'])('%s means none', async name => {
    await expect(resolve(name, now())).rejects.toThrow(/ENODATA|ENOTFOUND/)
  })

  test('who stops is not kept waiting', async () => {
    const stop = new AbortController()
    const asked = expect(resolve('silent.example', stop.signal)).rejects.toThrow(/ECANCELLED/)
    await once(server, 'message')
    stop.abort()
    await asked
    await expect(resolve('four.example', stop.signal)).rejects.toThrow()
  })

  test.each(['localhost', 'localhost.', 'weft.localhost'])('%s is this machine', async name => {
    expect(await resolveName(name, now())).toEqual(['127.0.0.1', '::1'])
  })
})
