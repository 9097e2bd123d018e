import { beforeEach, describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { createBreakers, type Breakers } from './breaker.ts'
import { silentLog } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'

describe('a circuit breaker', () => {
  let clock: ManualClock
  let metrics: Metrics
  let breakers: Breakers
  let runs = 0
  beforeEach(() => {
    clock = new ManualClock()
    metrics = createMetrics()
    breakers = createBreakers({ clock, log: silentLog, metrics, failures: 5, resetMs: 60_000 })
    runs = 0
  })

  const work = () => breakers.breaker('store').run(async () => ++runs)
  const fail = async (error: unknown = new Error('no route')) => {
    const action = async () => {
      runs++
      throw error
    }
    try {
      return await breakers.breaker('store').run(action)
    } catch (thrown) {
      return thrown
    }
  }
  const failTimes = async (times: number) => {
    for (let n = 0; n < times; n++) await fail()
  }
  const report = () => breakers.states()[0]
  const valueOf = async (name: string, labels: Record<string, string>) =>
    (await metrics.registry.getSingleMetric(name)?.get())?.values.find(one =>
      Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    )?.value

  test('passes answers and errors on, as they are', async () => {
    expect(await work()).toBe(1)
    const error = new Error('mine')
    expect(await fail(error)).toBe(error)
    expect(report()).toEqual({ name: 'store', state: 'closed', failures: 1, lastError: 'mine' })
  })

  test('opens after five failures in a row, and then runs nothing', async () => {
    await failTimes(4)
    await work()
    expect(report()).toMatchObject({ state: 'closed', failures: 0 })
    await failTimes(4)
    expect(report()).toMatchObject({ state: 'closed', failures: 4 })
    await failTimes(1)
    const openedAt = clock.now()
    expect(report()).toEqual({
      name: 'store',
      state: 'open',
      failures: 5,
      openedAt,
      lastError: 'no route',
    })
    runs = 0
    const refusal = await fail()
    expect(refusal).toBeInstanceOf(WeftError)
    expect(refusal).toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
      message: 'store keeps failing: no route',
      retryable: true,
      retryAfterMs: 1_000,
      closeCode: 4503,
      status: 503,
    })
    expect(runs).toBe(0)
  })

  test('probes after a second, then after twice the time, a minute at most', async () => {
    await failTimes(5)
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      runs = 0
      clock.advance(waitMs - 1)
      await fail()
      expect(runs).toBe(0)
      clock.advance(1)
      await fail()
      expect(runs).toBe(1)
      expect(report()?.state).toBe('open')
    }
    clock.advance(60_000)
    await work()
    expect(report()).toEqual({ name: 'store', state: 'closed', failures: 0, lastError: 'no route' })
    await failTimes(5)
    clock.advance(1_000)
    expect(await work()).toBeGreaterThan(0)
  })

  test('while one probes, nobody else waits for it', async () => {
    await failTimes(5)
    clock.advance(1_000)
    const { promise, resolve } = Promise.withResolvers<number>()
    const probe = breakers.breaker('store').run(() => promise)
    expect(report()?.state).toBe('half-open')
    expect(await fail()).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' })
    resolve(7)
    expect(await probe).toBe(7)
    expect(report()?.state).toBe('closed')
  })

  test('a refusal is an answer: it counts as a success', async () => {
    const isFailure = (error: unknown) => !(error instanceof WeftError)
    const { run } = breakers.breaker('strict', { isFailure })
    const refuse = () => run(() => Promise.reject(new WeftError('SEQ_CONFLICT', 'somebody else')))
    const fail = () => run(() => Promise.reject(new Error('away')))
    for (let n = 0; n < 4; n++) await expect(fail()).rejects.toThrow('away')
    await expect(refuse()).rejects.toMatchObject({ code: 'SEQ_CONFLICT' })
    expect(report()).toMatchObject({ state: 'closed', failures: 0 })
    for (let n = 0; n < 5; n++) await expect(fail()).rejects.toThrow('away')
    clock.advance(1_000)
    await expect(refuse()).rejects.toMatchObject({ code: 'SEQ_CONFLICT' })
    expect(report()?.state).toBe('closed')
  })

  test('one name is one breaker, and names do not see each other', async () => {
    await failTimes(5)
    expect(await breakers.breaker('other').run(async () => 'fine')).toBe('fine')
    expect(breakers.states().map(({ name, state }) => [name, state])).toEqual([
      ['store', 'open'],
      ['other', 'closed'],
    ])
  })

  test('a shorter time of its own', async () => {
    const { run } = breakers.breaker('near', { resetMs: 1_500 })
    const fail = () => run(() => Promise.reject(new Error('away')))
    for (let n = 0; n < 5; n++) await expect(fail()).rejects.toThrow('away')
    for (const waitMs of [1_000, 1_500, 1_500]) {
      clock.advance(waitMs)
      await expect(fail()).rejects.toThrow(/^away$/)
    }
  })

  test('is counted, by its name', async () => {
    await failTimes(5)
    expect(await valueOf('weft_breaker_state', { dep: 'store' })).toBe(2)
    clock.advance(1_000)
    await work()
    expect(await valueOf('weft_breaker_state', { dep: 'store' })).toBe(0)
    for (const to of ['open', 'half-open', 'closed']) {
      expect(await valueOf('weft_breaker_transitions_total', { dep: 'store', to })).toBe(1)
    }
  })
})
