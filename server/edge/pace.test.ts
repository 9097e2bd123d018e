/** Buckets and paces, on a clock that stands still. */
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import { createMetrics } from '../base/metrics.ts'
import { AddressLimits } from './address-limits.ts'
import { Bucket, BucketTable } from './bucket.ts'
import { Paces, type CountedFrame } from './pace.ts'
import { UserLimits } from './user-limits.ts'

const metrics = createMetrics()
const from = (address: string) => ({
  address,
  network: address,
  isLoopback: address.startsWith('127.'),
  isSecure: false,
})

describe('[T23] buckets', () => {
  test('under, at and over', () => {
    const bucket = new Bucket({ perSecond: 10, burst: 5 })
    const taken = Array.from({ length: 7 }, () => bucket.takeOne(1_000))
    expect(taken).toEqual([0, 0, 0, 0, 0, 100, 100])
    expect(bucket.takeOne(1_100)).toBe(0)
    expect(bucket.takeOne(1_100)).toBeCloseTo(100)
    // After a pause there is a burst again, and no more than that.
    const again = Array.from({ length: 6 }, () => bucket.takeOne(1_000_000))
    expect(again.map(ms => ms === 0)).toEqual([true, true, true, true, true, false])
  })

  test('a table forgets who is calm, and is bounded by all means', () => {
    const clock = new ManualClock()
    const table = new BucketTable(clock)
    const rate = { perSecond: 1, burst: 1 }
    for (let i = 0; i < 5_000; i++) table.of(`${i}`, rate).takeOne(clock.monotonic())
    expect(table.size).toBe(5_000)
    clock.advance(1_001)
    for (let i = 0; i < 5_000; i++) table.of(`later ${i}`, rate).takeOne(clock.monotonic())
    expect(table.size).toBeLessThanOrEqual(8_000)
    for (let i = 0; i < 300_000; i++) table.of(`flood ${i}`, rate).takeOne(clock.monotonic())
    expect(table.size).toBeLessThanOrEqual(150_000)
  })
})

describe('[T23] addresses and users', () => {
  const start = () => {
    const clock = new ManualClock()
    const rate = { perSecond: 10, burst: 20 }
    const limits = new AddressLimits({
      connects: rate,
      requests: rate,
      banMs: 60_000,
      clock,
      metrics,
    })
    const refused = (address: string, times: number) => {
      let count = 0
      for (let i = 0; i < times; i++) {
        try {
          limits.connect(from(address))
        } catch {
          count += 1
        }
      }
      return count
    }
    return { clock, limits, refused }
  }

  test('each by itself: under, at, over', () => {
    const { refused } = start()
    expect(refused('192.0.2.1', 20)).toBe(0)
    expect(refused('192.0.2.1', 1)).toBe(1)
    expect(refused('192.0.2.2', 20)).toBe(0)
  })

  test('who goes on after a hundred refusals is not heard, until it is over', () => {
    const { clock, limits, refused } = start()
    expect(refused('192.0.2.1', 121)).toBe(101)
    clock.advance(30_000)
    expect(() => limits.request(from('192.0.2.1'))).toThrow(/not heard/)
    expect(refused('192.0.2.2', 1)).toBe(0)
    clock.advance(30_000)
    expect(refused('192.0.2.1', 1)).toBe(0)
  })

  test('the machine itself may do more, and is never sent off', () => {
    const { clock, refused } = start()
    expect(refused('127.0.0.1', 2_000)).toBe(0)
    expect(refused('127.0.0.1', 1_000)).toBe(1_000)
    clock.advance(1_000)
    expect(refused('127.0.0.1', 1)).toBe(0)
  })

  test('a user has the tier of its kind', () => {
    const clock = new ManualClock()
    const kinds = {
      user: { perSecond: 1, burst: 10 },
      agent: { perSecond: 1, burst: 2 },
      service: { perSecond: 1, burst: 30 },
    }
    const tiers = { kinds, roles: new Map() }
    const limits = new UserLimits({ tiers, clock, metrics })
    const allowed = (['user', 'agent', 'service'] as const).map(kind => {
      const principal = testPrincipal({ kind })
      for (let n = 0; n < 100; n++) {
        try {
          limits.request(principal)
        } catch {
          return n
        }
      }
      return Infinity
    })
    expect(allowed).toEqual([10, 2, 30])
  })
})

describe('[T23] the pace of a socket', () => {
  const start = () => {
    const clock = new ManualClock()
    const limits = {
      frames: { perSecond: 10, burst: 20 },
      bytes: { perSecond: 10_000, burst: 20_000 },
    }
    const paces = new Paces({
      connection: limits,
      document: limits,
      overMaxMs: 5_000,
      clock,
      metrics,
    })
    const open = () => {
      const events: string[] = []
      const pace = paces.of({
        onWait: waits => void events.push(waits ? 'wait' : 'go on'),
        onTooLong: ({ code, retryAfterMs }) => void events.push(`${code} ${retryAfterMs}`),
      })
      const send = (times: number, frame: Partial<CountedFrame> = {}) => {
        for (let i = 0; i < times; i++) {
          pace.count({ kind: 'other', bytes: 10, document: undefined, ...frame })
        }
      }
      return { events, send, pace }
    }
    return { clock, open }
  }

  test('under and at the limit nothing happens; over it, the socket rests and goes on', () => {
    const { clock, open } = start()
    const { events, send } = open()
    send(20)
    expect(events).toEqual([])
    send(3)
    expect(events).toEqual(['wait'])
    clock.advance(299)
    expect(events).toEqual(['wait'])
    clock.advance(1)
    expect(events).toEqual(['wait', 'go on'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('edits count by their bytes, and not by their number', () => {
    const { clock, open } = start()
    const { events, send } = open()
    send(70, { kind: 'sync', bytes: 20 })
    expect(events).toEqual([])
    send(1, { kind: 'sync', bytes: 10_000 })
    expect(events).toEqual(['wait'])
    clock.advance(1_000)
    expect(events).toEqual(['wait', 'go on'])
  })

  test('[T17] what is no edit counts once, or once for every 8 KB', () => {
    const { open } = start()
    const [small, large, huge] = [open(), open(), open()]
    small.send(20, { bytes: 8 << 10 })
    large.send(10, { bytes: (8 << 10) + 1 })
    expect([small.events, large.events]).toEqual([[], []])
    large.send(1, { bytes: (8 << 10) + 1 })
    expect(large.events).toEqual(['wait'])
    huge.send(1, { bytes: 4 << 20 })
    expect(huge.events).toEqual(['SLOW_DOWN 49200'])
  })

  test('who is over for long is sent off with the time to wait; who pauses is not', () => {
    const { clock, open } = start()
    const [greedy, calm] = [open(), open()]
    greedy.send(20)
    calm.send(20)
    for (let second = 0; second < 12; second++) {
      greedy.send(10)
      if (second % 4 === 0) calm.send(12)
      clock.advance(1_000)
    }
    expect(greedy.events.at(-1)).toMatch(/^SLOW_DOWN \d+$/)
    expect(calm.events.filter(event => event.startsWith('SLOW'))).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  test('a minute’s worth at once is too much', () => {
    const { open } = start()
    const { events, send } = open()
    send(1_000)
    expect(events.at(-1)).toBe('SLOW_DOWN 5100')
  })

  test('a document slows all of its sockets, a second at most, and sends nobody off', () => {
    const { clock, open } = start()
    const crowd = Array.from({ length: 30 }, open)
    for (let second = 0; second < 20; second++) {
      for (const { send } of crowd) send(1, { document: 'a' })
      clock.advance(1_000)
    }
    const told = crowd.flatMap(({ events }) => events)
    expect(told.filter(event => event.startsWith('SLOW'))).toEqual([])
    expect(told.filter(event => event === 'wait').length).toBeGreaterThan(100)
    expect(told.filter(event => event === 'wait').length).toBe(
      told.filter(event => event === 'go on').length,
    )
    const other = open()
    other.send(20, { document: 'b' })
    expect(other.events).toEqual([])
  })

  test('a socket that is gone keeps no timer', () => {
    const { clock, open } = start()
    const { send, pace } = open()
    send(30)
    pace.close()
    expect(clock.pendingTimers).toBe(0)
  })
})
