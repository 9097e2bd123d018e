import { describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { seededRandom, systemRandom } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { lossyFanout } from '../testing/lossy-fanout.ts'
import { until } from '../testing/until.ts'
import { fanoutContract } from './fanout.contract.ts'
import type { Fanout } from './fanout.ts'
import { createLocalFanout, LocalBus } from './local-fanout.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
const tools = { clock: systemClock, random: systemRandom, log: silentLog }

fanoutContract('local', async () => {
  const bus = new LocalBus()
  return {
    open: options => createLocalFanout({ ...tools, ...options, bus }),
    inject: async (channel, message) => bus.carry(channel, message, 'nobody'),
    fail: async () => bus.cut(),
    restore: async () => bus.restore(),
    close: async () => {},
  }
})

describe('a single node', () => {
  test('is up, and talks to nobody', async () => {
    const clock = new ManualClock()
    const fanout = createLocalFanout({ ...tools, clock })
    await fanout.subscribe('x', () => expect.unreachable()).ready
    fanout.publish('x', new Uint8Array(1))
    clock.advance(60_000)
    expect(fanout.health()).toEqual({
      link: 'up',
      published: 1,
      received: 0,
      dropped: 0,
      rejected: 0,
    })
    expect(fanout.nodes()).toEqual([])
    await fanout.close()
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a lossy fan-out', () => {
  test('loses its share, and heartbeats never', async () => {
    const bus = new LocalBus()
    const [a, inner] = [1, 2].map(() => createLocalFanout({ ...tools, bus })) as [Fanout, Fanout]
    const b = lossyFanout(inner, seededRandom(seed), 0.2)
    let heard = 0
    await b.subscribe('x', () => void heard++).ready
    for (let n = 0; n < 1_000; n++) a.publish('x', new Uint8Array(1))
    await until(() => heard + b.lost === 1_000, `all are told apart (SEED=${seed})`)
    expect(b.lost, `SEED=${seed}`).toBeGreaterThan(120)
    expect(b.lost, `SEED=${seed}`).toBeLessThan(280)
    await until(() => b.nodes().includes(a.node), 'a heartbeat arrived')
    await a.close()
    await b.close()
  })
})

describe('the bus of one process', () => {
  test('one node is cut off, the others go on', async () => {
    const bus = new LocalBus()
    const [a, b, c] = [1, 2, 3].map(() => createLocalFanout({ ...tools, bus }))
    const heard: string[] = []
    for (const [name, fanout] of Object.entries({ b, c })) {
      await fanout?.subscribe('x', () => void heard.push(name)).ready
    }
    bus.cut(b?.node)
    a?.publish('x', new Uint8Array(1))
    await until(() => heard.length === 1, 'c heard')
    expect(heard).toEqual(['c'])
    expect(b?.health()).toMatchObject({ link: 'down', reason: 'the bus is cut' })
    bus.restore(b?.node)
    a?.publish('x', new Uint8Array(1))
    await until(() => heard.length === 3, 'both heard')
    for (const fanout of [a, b, c]) await fanout?.close()
  })
})
