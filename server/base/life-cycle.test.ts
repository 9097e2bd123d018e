import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import { systemClock } from '../../shared/clock.ts'
import { createLifeCycle } from './life-cycle.ts'
import { silentLog } from './log.ts'

describe('the life cycle', () => {
  test('parts stop in reverse order, once', async () => {
    const order: string[] = []
    const cycle = createLifeCycle(new ManualClock(), silentLog)
    for (const name of ['first', 'second', 'third']) {
      cycle.add({
        name,
        stop: () => {
          order.push(name)
          return []
        },
      })
    }
    expect(cycle.stopping).toBe(false)
    await Promise.all([cycle.stop(1000), cycle.stop(1000)])
    expect(cycle.stopping).toBe(true)
    expect(order).toEqual(['third', 'second', 'first'])
  })

  test('a part that throws is named and the others still stop', async () => {
    const cycle = createLifeCycle(new ManualClock(), silentLog)
    let stopped = false
    cycle.add({
      name: 'journal',
      stop: () => {
        stopped = true
        return []
      },
    })
    cycle.add({ name: 'sockets', stop: () => Promise.reject(new Error('no')) })
    expect(await cycle.stop(1000)).toEqual(['sockets failed to stop'])
    expect(stopped).toBe(true)
  })

  test('a part that hangs is left behind at the deadline', async () => {
    const cycle = createLifeCycle(systemClock, silentLog)
    cycle.add({ name: 'fine', stop: () => [] })
    cycle.add({ name: 'stuck', stop: () => new Promise(() => {}) })
    expect(await cycle.stop(20)).toEqual(['stuck did not stop in time'])
  })

  test('a part learns of the deadline and says what is left', async () => {
    const cycle = createLifeCycle(systemClock, silentLog)
    cycle.add({
      name: 'documents',
      stop: signal =>
        new Promise(resolve => {
          signal.addEventListener('abort', () => resolve(['demo/a is not flushed']))
        }),
    })
    expect(await cycle.stop(20)).toEqual(['demo/a is not flushed'])
  })
})
