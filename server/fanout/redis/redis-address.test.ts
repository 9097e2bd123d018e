import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from './redis-address.ts'

const local = { host: 'localhost', port: 6379 }

describe('[F11] the address of a Redis', () => {
  test.each([
    ['redis://localhost', { kind: 'single', hosts: [local], security: 'plain' }],
    ['rediss://localhost:7', { kind: 'single', hosts: [{ ...local, port: 7 }], security: 'tls' }],
    ['redis://localhost/3', { kind: 'single', hosts: [local], security: 'plain' }],
    [
      'redis://ada:p%40ss:w%2Frd@[::1]:7000',
      {
        kind: 'single',
        hosts: [{ host: '::1', port: 7000 }],
        security: 'plain',
        username: 'ada',
        password: 'p@ss:w/rd',
      },
    ],
    [
      'redis+sentinel://:secret@a,b:5/weft-main.1',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 5 },
        ],
        security: 'plain',
        password: 'secret',
        master: 'weft-main.1',
      },
    ],
    [
      'rediss+cluster://a.example.com:7001,10.0.0.2:7002',
      {
        kind: 'cluster',
        hosts: [
          { host: 'a.example.com', port: 7001 },
          { host: '10.0.0.2', port: 7002 },
        ],
        security: 'tls',
      },
    ],
  ])('%s', (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected)
  })

  test.each([
    '',
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://:6379',
    'redis://a,b',
    'redis://a:99999',
    'redis://a:b:c',
    'redis://a/name',
    'redis://a?db=1',
    'redis://%zz@a',
    'redis+sentinel://a',
    'redis+sentinel://a,,b/weft',
    'redis+cluster://a/weft',
    'redis+cluster://a, b',
    'redis+other://a',
  ])('%j is none', url => {
    expect(parseRedisUrl(url)).toBeUndefined()
  })
})
