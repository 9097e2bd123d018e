/** `rediss://`: a Redis that speaks TLS alone, with a certificate that is trusted, and one that is not. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { missing } from '../../../e2e/support/needs.ts'
import { systemClock } from '../../../shared/clock.ts'
import { systemRandom } from '../../../shared/random.ts'
import { silentLog } from '../../base/log.ts'
import { temporaryFolder } from '../../journal/testing/temporary-folder.ts'
import { certificateFor } from '../../testing/certificate.ts'
import { freePort } from '../../testing/free-port.ts'
import { startRedis } from '../../testing/redis.ts'
import { until } from '../../testing/until.ts'
import { createRedisFanout } from './redis-fanout.ts'

const isAbsent = missing('a Redis with TLS', { binaries: ['redis-server', 'redis-cli'] }) !== null
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** The plain port stays for the tests' own commands. */
async function startTlsRedis() {
  const folder = temporaryFolder()
  closing.push(() => folder.remove())
  const { key, cert } = certificateFor('localhost')
  const [keyFile, certFile] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const tlsPort = await freePort()
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile]
  const settings = ['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no', ...files]
  const redis = await startRedis({ password: 'secret of a test', settings })
  closing.push(() => redis.close())
  return { cert, redis, tlsPort }
}

function open(url: string) {
  const tools = { clock: systemClock, random: systemRandom, log: silentLog, prefix: 'test:' }
  const fanout = createRedisFanout({ ...tools, url })
  closing.push(() => fanout.close())
  return fanout
}

describe.skipIf(isAbsent)('rediss://', () => {
  test('two nodes talk over it, and again after it was gone', async () => {
    const { cert, redis, tlsPort } = await startTlsRedis()
    const before = getCACertificates('default')
    closing.push(() => setDefaultCACertificates(before))
    setDefaultCACertificates([...before, cert])
    const url = `rediss://:${encodeURIComponent('secret of a test')}@localhost:${tlsPort}`
    const [a, b] = [open(url), open(url)]
    const heard: number[] = []
    await b.subscribe('x', payload => void heard.push(payload[0] ?? -1)).ready
    const isUp = () => a.health().link === 'up' && b.health().link === 'up'
    await until(isUp, 'both are up')
    a.publish('x', Uint8Array.of(7))
    await until(() => heard.includes(7), 'heard')
    await redis.kill()
    await until(() => a.health().link === 'down', 'gone')
    await redis.start()
    await until(isUp, 'both are up again', 20_000)
  })

  test('a certificate that nobody vouches for is refused, and so is TLS where there is none', async () => {
    const { redis, tlsPort } = await startTlsRedis()
    const stranger = open(`rediss://localhost:${tlsPort}`)
    const plain = open(`rediss://localhost:${redis.port}`)
    const saysWhy = (fanout: typeof plain, reason: RegExp) =>
      until(() => reason.test(fanout.health().reason ?? ''), `${reason} is told`)
    await saysWhy(stranger, /self-signed certificate/)
    // Such a server waits for the end of what it takes for a line.
    await saysWhy(plain, /localhost:\d+: connect ETIMEDOUT/)
    expect([stranger.health().link, plain.health().link]).toEqual(['down', 'down'])
  })
})
