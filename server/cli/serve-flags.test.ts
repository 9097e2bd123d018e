import { describe, expect, test } from 'vitest'
import { runWeft } from '../testing/run-weft.ts'
import { withFlags } from './serve-flags.ts'

describe('flags of weft serve', () => {
  test.each([
    ['10s', '10000'],
    ['1500', '1500'],
    ['250ms', '250'],
  ])('--drain-timeout %s comes before the environment', (given, ms) => {
    const environment = { WEFT_DRAIN_TIMEOUT_MS: '1', WEFT_PORT: '0' }
    expect(withFlags(environment, ['--drain-timeout', given])).toEqual({
      WEFT_PORT: '0',
      WEFT_DRAIN_TIMEOUT_MS: ms,
    })
  })

  test('without flags the environment stays as it is', () => {
    expect(withFlags({ WEFT_PORT: '1' }, [])).toEqual({ WEFT_PORT: '1' })
  })

  test.each([['--drain-timeout', 'soon'], ['--drain-timeout'], ['--drain', '1'], ['now']])(
    '%s %s: wrong usage, and nothing is started',
    async (...args) => {
      const ended = await runWeft({}, 'serve', ...args.filter(arg => arg !== undefined))
      expect(ended.code).toBe(64)
      expect(ended.err).toMatch(/^weft: /)
      expect(ended.out).toContain('usage:')
    },
  )
})
