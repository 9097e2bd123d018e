/** [T17] Messages that a stock server would pass on to everybody, by thousands and by megabytes. */
import * as encoding from 'lib0/encoding'
import { afterEach, describe, expect, test } from 'vitest'
import { messageType, readFrame, statelessFrame } from '../shared/frames.ts'
import { rawMember, type RawMember } from './testing/raw-member.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const marker = 'FLOOD'
const ownQuestion = { type: 'weft.check', id: 1, digest: 'none', attempt: 0 }

function broadcastFrame(address: string, payload: string): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, address)
  encoding.writeVarUint(encoder, messageType.broadcastStateless)
  encoding.writeVarString(encoder, payload)
  return encoding.toUint8Array(encoder)
}

const opcodes = { 'opcode 5': statelessFrame, 'opcode 6': broadcastFrame } as const
const floods = (['viewer', 'editor'] as const).flatMap(role =>
  (['opcode 5', 'opcode 6'] as const).map(opcode => [role, opcode] as const),
)

describe('[T17] a flood of messages', () => {
  let server: TestApp
  let victim: StockClient
  let watcher: RawMember
  let mallory: RawMember

  afterEach(async () => {
    for (const one of [watcher, mallory]) one.close()
    victim.destroy()
    await server.stop()
  })

  const start = async (role: 'viewer' | 'editor', settings: Readonly<Record<string, string>>) => {
    server = await startTestApp({ settings })
    victim = stockProvider({ url: server.syncUrl, name: 'a', token: await server.token('victim') })
    victim.text.insert(0, 'good')
    await isStored()
    watcher = await rawMember(server, { name: 'a', sub: 'watcher' })
    mallory = await rawMember(server, { name: 'a', grants: [{ resource: 'a', role }] })
  }
  const isStored = () =>
    until(() => victim.provider.isSynced && !victim.provider.hasUnsyncedChanges, 'stored')
  const seq = async () => (await server.app.documents.head('a' as never))?.seq ?? 0
  const isOfNobodyElse = (bytes: Uint8Array) => {
    if (bytes.byteLength === 1) return true
    const { type } = readFrame(bytes)
    const isMessage = type === messageType.stateless || type === messageType.broadcastStateless
    return !isMessage && !Buffer.from(bytes).includes(marker)
  }

  /** The author is slowed, then sent off; all others go on, and store one edit, as if nothing were. */
  const endsAlone = async () => {
    await until(async () => (await server.metric('weft_rate_limited_total')) > 0, 'slowed')
    await until(() => mallory.closed !== undefined, 'closed')
    expect(mallory.closed).toEqual({ code: 4529, reason: 'SLOW_DOWN' })
    expect(mallory.refusals()).toContain('SLOW_DOWN')
    victim.text.insert(0, 'still ')
    await isStored()
    await until(() => watcher.copy().getText('text').toString() === 'still good', 'heard')
    expect(watcher.frames.filter(bytes => !isOfNobodyElse(bytes))).toEqual([])
    expect([victim.stateless, victim.closes, watcher.closed]).toEqual([[], [], undefined])
  }

  const fewFrames = { WEFT_CONNECTION_FRAMES_PER_SECOND: '20', WEFT_SLOW_DOWN_AFTER_MS: '500' }

  /** One of the largest frames too many is to be waited for; several are too much. */
  const fewBytes = {
    WEFT_MAX_FRAME_BYTES: `${1 << 20}`,
    WEFT_MAX_UPDATE_BYTES: `${1 << 20}`,
    WEFT_CONNECTION_FRAMES_PER_SECOND: '200',
    WEFT_SLOW_DOWN_AFTER_MS: '700',
  }

  test.each(floods)('of 100 bytes, by one %s with %s', async (role, opcode) => {
    await start(role, fewFrames)
    const before = await seq()
    for (let n = 0; n < 400; n++) mallory.send(opcodes[opcode]('a', marker.padEnd(100, 'x')))
    await endsAlone()
    expect(await seq()).toBe(before + 1)
  })

  test.each(floods)('of 9 KB, by one %s with %s', async (role, opcode) => {
    await start(role, fewFrames)
    const before = await seq()
    for (let n = 0; n < 200; n++) mallory.send(opcodes[opcode]('a', marker.padEnd(9_000, 'x')))
    await endsAlone()
    expect(await seq()).toBe(before + 1)
  })

  test.each(floods)('up to the limit of a frame, by one %s with %s', async (role, opcode) => {
    await start(role, fewBytes)
    const before = await seq()
    const large = opcodes[opcode]('a', marker.padEnd((1 << 20) - 100, 'x'))
    // Fewer frames than a second may have: their bytes are what is too much.
    for (let n = 0; n < 24; n++) mallory.send(large)
    await endsAlone()
    expect(await seq()).toBe(before + 1)
  })

  test('of our own kind, but larger: not answered', async () => {
    await start('editor', fewBytes)
    const before = await seq()
    const check = (padding: number) =>
      statelessFrame('a', JSON.stringify({ ...ownQuestion, x: marker.padEnd(padding, 'x') }))
    mallory.send(check(100))
    await until(() => mallory.told().length === 1, 'answered')
    for (let n = 0; n < 24; n++) mallory.send(check(n === 0 ? 9_000 : (1 << 20) - 1_000))
    await endsAlone()
    expect(await seq()).toBe(before + 1)
    expect(mallory.told().filter(({ type }) => type !== 'weft.error').length).toBe(1)
  })
})
