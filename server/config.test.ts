import { describe, expect, test } from 'vitest'
import { ConfigError, configTable, isLoopback, readConfig, settingRows } from './config.ts'

const secret = 'a secret of tests, at least 32 long'

function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems
  }
}

/** A setting that everything else is fine with. */
const outside = {
  WEFT_HOST: '0.0.0.0',
  WEFT_JWT_SECRET: secret,
  WEFT_ORIGINS: 'https://app.example.com',
}

describe('the settings', () => {
  test('an empty environment is a development server on loopback', () => {
    const config = readConfig({})
    expect(config).toMatchObject({
      WEFT_HOST: '127.0.0.1',
      WEFT_PORT: 8080,
      WEFT_DATA_DIR: './data',
      WEFT_ORIGINS: [],
      WEFT_LOG_LEVEL: 'info',
      WEFT_MAX_FRAME_BYTES: 4_194_304,
      WEFT_MAX_UPDATE_BYTES: 1_048_576,
      WEFT_PING_INTERVAL_MS: 3_000,
      devMode: true,
      loopback: true,
      logFormat: 'json',
    })
    expect(config.WEFT_JWT_SECRET).toBeUndefined()
    expect(config.WEFT_JWKS_URL).toBeUndefined()
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('what others keep in the environment is nobody’s business', () => {
    expect(readConfig({ PATH: '/bin', weft_port: 'x', WEFTPORT: 'x' }).WEFT_PORT).toBe(8080)
    expect(readConfig({ WEFT_PORT: undefined }).WEFT_PORT).toBe(8080)
  })

  test('given values are read as what they are', () => {
    const config = readConfig({
      ...outside,
      WEFT_PORT: '0',
      WEFT_ORIGINS: ' https://a.example , https://b.example,, ',
      WEFT_LOG_LEVEL: 'silent',
      WEFT_MAX_CONNECTIONS: '5',
      WEFT_COMMIT_PACE_MS: '0',
      WEFT_JWKS_URL: 'https://keys.example/jwks.json',
    })
    expect(config).toMatchObject({
      WEFT_PORT: 0,
      WEFT_ORIGINS: ['https://a.example', 'https://b.example'],
      WEFT_LOG_LEVEL: 'silent',
      WEFT_MAX_CONNECTIONS: 5,
      WEFT_COMMIT_PACE_MS: 0,
      devMode: false,
      loopback: false,
    })
  })

  test('lines for people on a terminal, unless somebody says otherwise', () => {
    expect(readConfig({}, true).logFormat).toBe('pretty')
    expect(readConfig({}, false).logFormat).toBe('json')
    expect(readConfig({ WEFT_LOG_FORMAT: 'json' }, true).logFormat).toBe('json')
    expect(readConfig({ WEFT_LOG_FORMAT: 'pretty' }, false).logFormat).toBe('pretty')
  })

  test('every setting has its row, with its default and a sentence', () => {
    const rows = settingRows()
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(configTable))
    for (const { sentence } of rows) expect(sentence).toMatch(/^[A-Z`].*\.$/s)
    expect(rows.find(({ name }) => name === 'WEFT_PORT')?.fallback).toBe('8080')
    expect(rows.find(({ name }) => name === 'WEFT_JWT_SECRET')?.fallback).toBe('')
    expect(rows.find(({ name }) => name === 'WEFT_ORIGINS')?.fallback).toBe('')
  })
})

describe('wrong settings', () => {
  const wrong: Readonly<Record<string, string>> = {
    WEFT_HOST: '',
    WEFT_PORT: '65536',
    WEFT_JWT_SECRET: 'too short',
    WEFT_JWKS_URL: 'ftp://keys.example',
    WEFT_REDIS_URL: 'localhost:6379',
    WEFT_REDIS_PREFIX: 'a b',
    WEFT_REDIS_SECRET: 'too short',
    WEFT_BREAKER_RESET_MS: '999',
    WEFT_DEV: 'yes',
    WEFT_LOG_LEVEL: 'loud',
    WEFT_LOG_FORMAT: 'xml',
    WEFT_MAX_CONNECTIONS: '0',
    WEFT_MAX_FRAME_BYTES: '1e99',
    WEFT_MAX_UPDATE_BYTES: '2.5',
    WEFT_PING_INTERVAL_MS: '-1',
    WEFT_DRAIN_TIMEOUT_MS: 'ten',
    WEFT_COLOUR: 'blue',
  }

  test('all of them are told at once, each in one line that names it', () => {
    const problems = problemsOf(wrong)
    for (const name of Object.keys(wrong)) {
      expect(problems.filter(problem => problem.startsWith(name))).toHaveLength(1)
    }
    expect(problems).toHaveLength(Object.keys(wrong).length)
    for (const problem of problems) expect(problem).toMatch(/^WEFT_[A-Z_]+:? [^\n]{10,}$/)
  })

  test.each(Object.entries(wrong))('%s=%s is told by itself', (name, value) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name}`))
  })

  test('a problem shows what was given', () => {
    expect(problemsOf({ WEFT_PORT: '65536' })[0]).toContain('(given: "65536")')
    expect(problemsOf({ WEFT_LOG_LEVEL: 'loud\n' })[0]).toContain(String.raw`(given: "loud\n")`)
  })

  test('the message of the error holds all problems', () => {
    const problems = problemsOf(wrong)
    expect(() => readConfig(wrong)).toThrow(
      `wrong settings:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    )
  })

  test.each(['hunter2', 'x'.repeat(31), ''])('a wrong secret is never repeated: %j', given => {
    const environment = { ...wrong, WEFT_JWT_SECRET: given }
    const about = problemsOf(environment).filter(problem => problem.startsWith('WEFT_JWT_SECRET'))
    expect(about).toEqual([
      'WEFT_JWT_SECRET: must have at least 32 characters (the given value is not shown)',
    ])
    if (given !== '') expect(problemsOf(environment).join('\n')).not.toContain(given)
  })

  test('nor is a good secret, when something else is wrong', () => {
    const told = problemsOf({ ...wrong, WEFT_JWT_SECRET: secret, WEFT_HOST: '0.0.0.0' })
    expect(told.join('\n')).not.toContain(secret)
    const contradiction = problemsOf({ WEFT_HOST: '0.0.0.0', WEFT_JWT_SECRET: secret })
    expect(contradiction.join('\n')).not.toContain(secret)
  })

  test('an unknown name is refused, and its value is not repeated', () => {
    expect(problemsOf({ WEFT_JWT_SECRT: secret, WEFT_MAX_FRAME_BYTE: '5' })).toEqual([
      'WEFT_JWT_SECRT is no setting of this version',
      'WEFT_MAX_FRAME_BYTE is no setting of this version',
    ])
    expect(problemsOf({ WEFT_constructor: '' })).toHaveLength(1)
  })

  test.each(['', ' ', '0x10', '1e3', '1.0', 'Infinity', 'true'])(
    'a number is written in digits: %j is none',
    given => {
      for (const name of ['WEFT_PORT', 'WEFT_COMMIT_PACE_MS', 'WEFT_MAX_FRAME_BYTES']) {
        expect(problemsOf({ [name]: given })).toHaveLength(1)
      }
    },
  )

  test('several nodes on a store of one', () => {
    const redis = { WEFT_REDIS_URL: 'redis+cluster://a,b:7001' }
    expect(problemsOf(redis)).toEqual([
      'WEFT_REDIS_URL: several nodes need one store, which SQLite cannot be; set WEFT_DATABASE_URL',
    ])
    expect(problemsOf({ ...redis, WEFT_DATABASE_URL: 'postgres://localhost/weft' })).toEqual([])
  })

  test.each([
    ['WEFT_REDIS_URL', 'http://:hunter2@localhost'],
    ['WEFT_DATABASE_URL', 'mysql://:hunter2@localhost'],
  ])('a wrong %s is not repeated: there may be a password in it', (name, given) => {
    const [problem] = problemsOf({ [name]: given })
    expect(problem).toMatch(new RegExp(`^${name}: .*\\(the given value is not shown\\)$`))
    expect(problem).not.toContain('hunter2')
  })

  test('an update that no frame can carry', () => {
    const bytes = { WEFT_MAX_FRAME_BYTES: '2000', WEFT_MAX_UPDATE_BYTES: '2001' }
    expect(problemsOf(bytes)).toEqual([
      'WEFT_MAX_UPDATE_BYTES: an update cannot be larger than WEFT_MAX_FRAME_BYTES',
    ])
    expect(problemsOf({ ...bytes, WEFT_MAX_UPDATE_BYTES: '2000' })).toEqual([])
  })
})

describe('[A5] who may connect', () => {
  test.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['128.0.0.1', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['1127.0.0.1', false],
    ['', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })

  test('development mode is the default on loopback alone, and only without a way to check', () => {
    expect(readConfig({}).devMode).toBe(true)
    expect(readConfig({ WEFT_JWT_SECRET: secret }).devMode).toBe(false)
    expect(readConfig({ WEFT_JWKS_URL: 'http://127.0.0.1:1/keys' }).devMode).toBe(false)
    expect(readConfig({ WEFT_JWT_SECRET: secret, WEFT_DEV: '1' }).devMode).toBe(true)
    expect(readConfig(outside).devMode).toBe(false)
  })

  test('it is refused elsewhere, with or without a secret', () => {
    const sentence =
      'WEFT_DEV: development mode makes tokens for anybody, so it runs on loopback only'
    expect(problemsOf({ ...outside, WEFT_DEV: '1' })).toEqual([sentence])
    expect(problemsOf({ ...outside, WEFT_JWT_SECRET: undefined, WEFT_DEV: '1' })).toContain(
      sentence,
    )
  })

  test('a server that the world can reach needs a way to check tokens, and origins', () => {
    expect(problemsOf({ WEFT_HOST: '0.0.0.0' })).toEqual([
      'WEFT_JWT_SECRET, WEFT_JWKS_URL or WEFT_JWT_KEYS_FILE: one is needed to check tokens',
      'WEFT_ORIGINS: needed when WEFT_HOST is 0.0.0.0',
    ])
    expect(problemsOf({ ...outside, WEFT_ORIGINS: ' , ' })).toHaveLength(1)
    expect(problemsOf(outside)).toEqual([])
    const keySet = { WEFT_JWT_SECRET: undefined, WEFT_JWKS_URL: 'https://keys.example/jwks' }
    expect(problemsOf({ ...outside, ...keySet })).toEqual([])
  })

  test('a server that is no development server needs a way to check tokens on loopback too', () => {
    expect(problemsOf({ WEFT_DEV: '0' })).toEqual([
      'WEFT_JWT_SECRET, WEFT_JWKS_URL or WEFT_JWT_KEYS_FILE: one is needed to check tokens',
    ])
  })

  test('contradictions are told together with unknown names', () => {
    expect(problemsOf({ WEFT_HOST: '0.0.0.0', WEFT_COLOUR: 'blue' })).toHaveLength(3)
  })
})
