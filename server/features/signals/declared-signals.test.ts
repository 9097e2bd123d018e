import { expect, test } from 'vitest'
import { matchesTopic } from '../../../shared/signals.ts'
import { silentLog } from '../../base/log.ts'
import { createMetrics } from '../../base/metrics.ts'
import { DeclaredSignals } from './declared-signals.ts'

test('[T17] [G7] the costliest list that somebody follows costs little, however many are declared', () => {
  const stars = '*.'.repeat(7)
  const topics = [...Array.from({ length: 200 }, (_, n) => `${stars}b${n}`), `${stars}*`]
  const followed = Array.from({ length: 50 }, (_, n) => `${stars}${'a'.repeat(50)}${n}`)
  const declared = new DeclaredSignals({
    hooks: { topics },
    log: silentLog,
    metrics: createMetrics(),
  })
  const least = (action: () => void) =>
    Math.min(
      ...Array.from({ length: 8 }, () => {
        const since = performance.now()
        action()
        return performance.now() - since
      }),
    )
  const oneByOne = least(() => followed.forEach(one => topics.some(all => matchesTopic(all, one))))
  const asked = least(() => followed.forEach(one => declared.requireTopic(one)))
  expect(asked).toBeLessThan(oneByOne / 4)
  expect(() => declared.requireTopic('a.b')).toThrow('no topic')
})
