/**
 * [T25] Requests of the server's own. `127.0.0.2` stands for an address of the public internet here,
 * and `127.0.0.1`, at the same port, for what lies inside.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { certificateFor } from '../testing/certificate.ts'
import { localServer, type LocalServer } from '../testing/local-server.ts'
import { until } from '../testing/until.ts'
import { createOutgoing, type OutgoingOptions } from './outgoing.ts'
import { OutgoingError } from './outgoing/outgoing-error.ts'
import { loopbackReach, publicReach, type Reach } from './outgoing/reach.ts'

/** The rule for addresses alone: neither http nor the port of a test is what a URL is refused for. */
const anyPort: Reach = ({ address }) =>
  address === '127.0.0.2' ? undefined : publicReach({ scheme: 'https', port: 443, address })

let outside: LocalServer
let inside: LocalServer
let answer: RequestListener
const seen: string[] = []

/** The port that is free at one address may be taken, by any other test, at the other. */
async function twoServers(
  answer: RequestListener,
  tries = 20,
): Promise<[LocalServer, LocalServer]> {
  const first = await localServer({ address: '127.0.0.2', answer })
  try {
    const { port } = first
    return [first, await localServer({ address: '127.0.0.1', port, answer })]
  } catch (error) {
    await first.close()
    if (tries === 0) throw error
    return twoServers(answer, tries - 1)
  }
}

beforeEach(async () => {
  seen.length = 0
  answer = (request, response) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`)
    response.end('heard')
  }
  const listener: RequestListener = (request, response) => answer(request, response)
  ;[outside, inside] = await twoServers(listener)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await outside.close()
  await inside.close()
})

const names: Readonly<Record<string, readonly string[]>> = {
  'hooks.example': ['127.0.0.2'],
  'hooks.example.': ['127.0.0.2'],
  'xn--bcher-kva.example': ['127.0.0.2'],
  'inside.example': ['127.0.0.1'],
  'both.example': ['127.0.0.2', '127.0.0.1'],
  'six.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'metadata.example': ['169.254.169.254'],
  'nobody.example': [],
  localhost: ['127.0.0.1', '::1'],
  'localhost.': ['127.0.0.1'],
}
const resolve = async (name: string) => {
  const found = names[name]
  if (found === undefined) throw new Error(`ENOTFOUND ${name}`)
  return found
}
const outgoing = (options: Partial<OutgoingOptions> = {}) =>
  createOutgoing({ clock: systemClock, reach: anyPort, resolve, ...options })

const faultOf = (request: Promise<unknown>) =>
  request.then(
    () => 'answered',
    (error: unknown) => (error instanceof OutgoingError ? error.fault : String(error)),
  )
/** `PORT` is that of the servers. */
const at = (address: string) => address.replace('PORT', `${outside.port}`)

/** Each of them would reach the server inside, or what stands for more of its kind. */
const refused = [
  ['http://127.0.0.1:PORT/', 'http://127.1:PORT/', 'http://127.0.1:PORT/', 'http://0:PORT/'],
  ['http://2130706433:PORT/', 'http://017700000001:PORT/', 'http://0x7f000001:PORT/'],
  ['http://0177.0.0.1:PORT/', 'http://0x7f.0.0.1:PORT/', 'http://0x7F.1:PORT/'],
  ['http://00000177.0x0.0.01:PORT/', 'http://127.0.0.1.:PORT/', 'http://127.00.00.001:PORT/'],
  ['http://①②⑦.⓪.⓪.①:PORT/', 'http://127。0。0。1:PORT/', 'http://１２７.1:PORT/'],
  ['http://127%2e0%2e0%2e1:PORT/', 'http://%31%32%37.0.0.1:PORT/', 'http://127.0.\t0.1:PORT/'],
  ['http://0.0.0.0:PORT/', 'http://[::]:PORT/', 'http://[::1]:PORT/', 'http://[0:0::0:1]:PORT/'],
  ['http://[::ffff:127.0.0.1]:PORT/', 'http://[::ffff:7f00:1]:PORT/', 'http://[::127.0.0.1]:PORT/'],
  ['http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/', 'http://[64:ff9b::127.0.0.1]:PORT/'],
  ['http://[2002:7f00:1::]:PORT/', 'http://[2001:0:7f00:1::]:PORT/', 'http://[fe80::1]:PORT/'],
  ['http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://2852039166/'],
  ['http://10.0.0.1/', 'http://172.16.0.1/', 'http://192.168.0.1/', 'http://100.100.100.200/'],
  ['http://localhost:PORT/', 'http://LOCALHOST:PORT/', 'http://localhost.:PORT/'],
  [
    'http://ｌｏｃａｌｈｏｓｔ:PORT/',
    'http://loc\u00adalhost:PORT/',
    '\n http://loc\nalhost:PORT/ ',
  ],
  ['http://inside.example:PORT/', 'http://six.example:PORT/', 'http://mapped.example:PORT/'],
  ['http://nat64.example:PORT/', 'http://metadata.example/', 'http://both.example:PORT/'],
  ['http://hooks.example@127.0.0.1:PORT/', 'http://u:p@hooks.example:PORT/'],
  ['http://hooks.example:PORT@inside.example:PORT/', 'http://@127.0.0.1:PORT/'],
  ['http://127.0.0.1:PORT\\@hooks.example/', 'http:\\\\127.0.0.1:PORT/', 'http:127.0.0.1:PORT/'],
  ['http://127.0.0.1:PORT#@hooks.example/', 'http://127.0.0.1:PORT?@hooks.example/'],
  ['file:///etc/passwd', 'ftp://hooks.example/', 'gopher://127.0.0.1:PORT/_x', 'unix:/run/x.sock'],
  ['data:text/plain,x', 'javascript:1', '//127.0.0.1:PORT/', '127.0.0.1:PORT', '', 'http://'],
  ['http://256.0.0.1/', 'http://[::1', 'http://hooks.example:99999/', 'http://hooks example/'],
  [`http://hooks.example/${'x'.repeat(3_000)}`],
].flat()

describe('[T25] what is refused', () => {
  test('the corpus is one', () => expect(refused.length).toBeGreaterThan(40))

  test.each(refused)('%j', async address => {
    expect(await faultOf(outgoing().request(at(address)))).toBe('refused')
    expect(inside.connections.made + outside.connections.made).toBe(0)
  })

  test('nothing but https, at ports of https, unless a rule says otherwise', async () => {
    const strict = createOutgoing({ clock: systemClock, resolve: async () => ['8.8.8.8'] })
    for (const address of ['http://hooks.example/', 'https://hooks.example:6379/']) {
      expect(await faultOf(strict.request(address))).toBe('refused')
    }
    const developing = outgoing({ reach: loopbackReach })
    expect((await developing.request(at('http://inside.example:PORT/'))).status).toBe(200)
    expect(await faultOf(developing.request('http://metadata.example/'))).toBe('refused')
  })

  test.each(['Host', 'content-length', 'Transfer-Encoding', 'connection', 'Expect', 'a\r\nb', ''])(
    'the header %j',
    async name => {
      const headers = { [name]: '1' }
      expect(await faultOf(outgoing().request(at('http://hooks.example:PORT/'), { headers }))).toBe(
        'refused',
      )
      expect(outside.connections.made).toBe(0)
    },
  )

  test('a header that goes on in a second line', async () => {
    const headers = { 'x-weft': '1\r\nhost: inside.example' }
    const request = outgoing().request(at('http://hooks.example:PORT/'), { headers })
    expect(await faultOf(request)).toBe('refused')
  })
})

describe('[T25] what is asked', () => {
  test.each([
    ['http://hooks.example:PORT/a?b=1#c', 'GET hooks.example:PORT /a?b=1'],
    ['http://HOOKS.example.:PORT/', 'GET hooks.example.:PORT /'],
    ['http://bücher.example:PORT/', 'GET xn--bcher-kva.example:PORT /'],
    ['http://127.0.0.2:PORT/', 'GET 127.0.0.2:PORT /'],
    ['http://hooks.example:PORT\\@inside.example/', 'GET hooks.example:PORT /@inside.example/'],
    ['http://hooks.example:PORT/@127.0.0.1/', 'GET hooks.example:PORT /@127.0.0.1/'],
  ])('%s', async (address, request) => {
    const { status, body } = await outgoing().request(at(address))
    expect([status, Buffer.from(body).toString()]).toEqual([200, 'heard'])
    expect(seen).toEqual([at(request)])
    expect(inside.connections.made).toBe(0)
    await until(() => outside.connections.open === 0, 'no connection is left')
  })

  test('body and headers arrive', async () => {
    let heard = ''
    answer = (request, response) => {
      request.setEncoding('utf8').on('data', (part: string) => (heard += part))
      request.on('end', () => response.writeHead(202, { 'x-answer': 'yes' }).end())
      heard += `${request.method} ${String(request.headers['x-weft'])} `
    }
    const { status, headers } = await outgoing().request(at('http://hooks.example:PORT/'), {
      method: 'POST',
      headers: { 'X-Weft': 'one' },
      body: '{"ä":1}',
    })
    expect([status, headers['x-answer'], heard]).toEqual([202, 'yes', 'POST one {"ä":1}'])
  })

  test('a name that turns to another address: resolved once, and that is where it goes', async () => {
    const answers = [['127.0.0.2'], ['127.0.0.1'], ['127.0.0.1']]
    let asked = 0
    const rebinding = outgoing({ resolve: async () => answers[asked++] ?? [] })
    const address = at('http://rebind.example:PORT/')
    expect((await rebinding.request(address)).status).toBe(200)
    expect(asked).toBe(1)
    expect(outside.connections.made).toBe(1)
    // No connection is kept on which the second would go out without a look.
    expect(await faultOf(rebinding.request(address))).toBe('refused')
    expect([outside.connections.made, inside.connections.made]).toEqual([1, 0])
  })

  test('redirects are answers', async () => {
    for (const code of [301, 302, 303, 307, 308]) {
      answer = (request, response) => {
        seen.push(String(request.headers.host))
        response.writeHead(code, { location: at('http://127.0.0.1:PORT/') }).end()
      }
      const { status, headers } = await outgoing().request(at('http://hooks.example:PORT/'))
      expect([status, headers.location]).toEqual([code, at('http://127.0.0.1:PORT/')])
    }
    expect(seen.length).toBe(5)
    expect(inside.connections.made).toBe(0)
  })

  test('a second address is tried where the first takes nobody in', async () => {
    const reach: Reach = ({ address }) => (address.startsWith('127.0.0.') ? undefined : 'no')
    const two = outgoing({ reach, resolve: async () => ['127.0.0.9', '127.0.0.2'] })
    expect((await two.request(at('http://hooks.example:PORT/'))).status).toBe(200)
  })

  test('a proxy of the environment is not asked', async () => {
    const code = `
      const { createOutgoing } = await import(${JSON.stringify(new URL('outgoing.ts', import.meta.url).href)})
      const clock = { after: () => () => {} }
      const out = createOutgoing({ clock, reach: () => undefined, resolve: async () => ['127.0.0.2'] })
      console.log((await out.request('${at('http://hooks.example:PORT/')}')).status)`
    const proxy = at('http://127.0.0.1:PORT')
    const env = { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy }
    const run = promisify(execFile)
    const args = ['--input-type=module', '-e', code]
    expect((await run(process.execPath, args, { env })).stdout.trim()).toBe('200')
    expect([outside.connections.made, inside.connections.made]).toEqual([1, 0])
  })
})

describe('[T25] answers that never end', () => {
  const slow = () => {
    const clock = new ManualClock()
    return { clock, out: outgoing({ clock }), address: at('http://hooks.example:PORT/') }
  }
  const errorOf = async (request: Promise<unknown>) => {
    const error = await request.catch((thrown: unknown) => thrown)
    if (error instanceof OutgoingError) return { fault: error.fault, status: error.status }
    throw new Error(`no OutgoingError: ${String(error)}`)
  }

  test('no head: five seconds, and the connection is gone', async () => {
    const { clock, out, address } = slow()
    const arrived = once(outside.server, 'request')
    answer = () => {}
    const request = errorOf(out.request(address))
    await arrived
    clock.advance(4_999)
    expect(clock.pendingTimers).toBe(1)
    clock.advance(1)
    expect(await request).toEqual({ fault: 'timed-out', status: undefined })
    await until(() => outside.connections.open === 0, 'no connection is left')
  })

  test('a body by drops: five seconds in all, not between two of them', async () => {
    const { clock, out, address } = slow()
    answer = (_request, response) => {
      response.write('x')
      const drip = setInterval(() => {
        if (!response.write('x')) response.end()
        clock.advance(500)
      }, 1)
      response.on('close', () => clearInterval(drip))
    }
    expect(await errorOf(out.request(address))).toEqual({ fault: 'timed-out', status: 200 })
    await until(() => outside.connections.open === 0, 'no connection is left')
  })

  test('a name server that says nothing', async () => {
    const clock = new ManualClock()
    const out = outgoing({ clock, resolve: () => new Promise(() => {}) })
    const request = errorOf(out.request('https://hooks.example/'))
    await Promise.resolve()
    clock.advance(5_000)
    expect(await request).toEqual({ fault: 'timed-out', status: undefined })
  })

  test('whoever asks can stop, and no timer is left', async () => {
    const { clock, out, address } = slow()
    const stop = new AbortController()
    answer = () => stop.abort()
    expect(await errorOf(out.request(address, { signal: stop.signal }))).toMatchObject({
      fault: 'aborted',
    })
    expect(await errorOf(out.request(address, { signal: AbortSignal.abort() }))).toMatchObject({
      fault: 'aborted',
    })
    expect(clock.pendingTimers).toBe(0)
    expect(outside.connections.made).toBe(1)
  })

  test('64 KB are read, and not a byte more', async () => {
    answer = (_request, response) => void response.end('x'.repeat(64 << 10))
    const { body } = await outgoing().request(at('http://hooks.example:PORT/'))
    expect(body.byteLength).toBe(64 << 10)
    let sent = 0
    answer = (_request, response) => {
      const more = () => {
        sent += 16 << 10
        if (response.destroyed || sent > 64 << 20) return
        if (response.write('x'.repeat(16 << 10))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    }
    const endless = outgoing().request(at('http://hooks.example:PORT/'))
    expect(await errorOf(endless)).toEqual({ fault: 'too-large', status: 200 })
    expect(sent).toBeLessThan(16 << 20)
    await until(() => outside.connections.open === 0, 'no connection is left')
  })

  test.each([
    ['a head of 100 KB', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['no HTTP', '220 mail.example ESMTP\r\n'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx'],
  ])('%s', async (_what, bytes) => {
    answer = ({ socket }) => void socket.end(bytes)
    const request = outgoing().request(at('http://hooks.example:PORT/'))
    expect(await errorOf(request)).toMatchObject({ fault: 'unreachable' })
  })

  test('nobody there, and no such name', async () => {
    const { port } = outside
    await outside.close()
    const request = outgoing().request(`http://hooks.example:${port}/`)
    expect(await errorOf(request)).toMatchObject({ fault: 'unreachable' })
    outside = await localServer({ address: '127.0.0.2', answer: () => {} })
    for (const name of ['unheard-of.example', 'nobody.example']) {
      const nowhere = outgoing().request(`https://${name}/`)
      expect(await errorOf(nowhere)).toMatchObject({ fault: 'unknown-name' })
    }
  })
})

describe('[T25] certificates', () => {
  const certificate = certificateFor('hooks.example')
  let secure: LocalServer
  const indications: unknown[] = []
  beforeEach(async () => {
    indications.length = 0
    const listener: RequestListener = ({ socket }, response) => {
      indications.push((socket as TLSSocket).servername)
      response.end()
    }
    secure = await localServer({ address: '127.0.0.2', answer: listener, certificate })
  })
  afterEach(() => secure.close())

  test('are those of the name, which the server is told', async () => {
    const out = outgoing({ ca: certificate.cert })
    for (const host of ['hooks.example', 'hooks.example.']) {
      expect((await out.request(`https://${host}:${secure.port}/`)).status).toBe(200)
    }
    expect(indications).toEqual(['hooks.example', 'hooks.example'])
  })

  test.each(['xn--bcher-kva.example', '127.0.0.2'])('of another name are none: %s', async host => {
    const out = outgoing({ ca: certificate.cert })
    expect(await faultOf(out.request(`https://${host}:${secure.port}/`))).toBe('unreachable')
    expect(indications).toEqual([])
  })

  test('that nobody vouches for are none, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const request = outgoing().request(`https://hooks.example:${secure.port}/`)
    expect(await faultOf(request)).toBe('unreachable')
    expect(indications).toEqual([])
  })
})
