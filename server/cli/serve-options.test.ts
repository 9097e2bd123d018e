import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { runWeft } from '../testing/run-weft.ts'
import { serveSettings } from './serve-options.ts'
import { UsageError } from './usage-error.ts'

describe('the flags of weft serve', () => {
  test.each([
    [['--drain-timeout', '30s'], '30000'],
    [['--drain-timeout=500ms'], '500'],
    [['--drain-timeout', '250'], '250'],
  ])('%j is a drain of %s ms', (args, ms) => {
    expect(serveSettings(args)).toEqual({ WEFT_DRAIN_TIMEOUT_MS: ms })
  })

  test('without flags the settings stay as they are', () => {
    expect(serveSettings([])).toEqual({})
  })

  test.each([
    [['--drain-timeout', 'soon']],
    [['--drain-timeout', '0']],
    [['--drain-timeout', '-5']],
    [['--drain-timeout']],
    [['--drain-timeot', '5s']],
    [['now']],
  ])('%j is not understood', args => {
    expect(() => serveSettings(args)).toThrow(UsageError)
  })

  test('what is not understood ends the command with 64, before anything is opened', async () => {
    const folder = temporaryFolder()
    const settings = { WEFT_DATA_DIR: `${folder.path}/data`, WEFT_PORT: '0' }
    const { code, err } = await runWeft(settings, 'serve', '--drain-timeot', '5s')
    expect(code).toBe(64)
    expect(err).toContain("Unknown option '--drain-timeot'")
    expect(err).toContain('usage: weft serve [--drain-timeout <10s|10000ms>]')
    folder.remove()
  })

  test('a flag wins over the environment', async () => {
    const settings = { WEFT_DRAIN_TIMEOUT_MS: 'wrong', WEFT_PORT: 'wrong' }
    const { code, err } = await runWeft(settings, 'serve', '--drain-timeout', '5s')
    expect(code).toBe(78)
    expect(err).toContain('WEFT_PORT')
    expect(err).not.toContain('WEFT_DRAIN_TIMEOUT_MS')
  })
})
