/** Tokens are shown in every way, good and bad, and no log line, answer or metric has one in it. */
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { syncFrame } from '../shared/frames.ts'
import { createLogInto } from './base/log.ts'
import { rawRequest, upgrade } from './testing/edge-app.ts'
import { memoryLog } from './testing/memory-log.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

const CANARY = 'canary-7f3a9b51d2'
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('[T2][T26] secrets', () => {
  let server: TestApp
  let lines: string[]
  const clients: RawClient[] = []
  beforeEach(async () => {
    const memory = memoryLog()
    lines = memory.lines
    server = await startTestApp({ log: memory.log })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await server.stop()
  })

  const connect = async (path: string, protocols: string[] = []) => {
    const url = `${server.url.replace('http', 'ws')}${path}`
    const client = await rawClient(url, { protocols })
    clients.push(client)
    return client
  }

  test('are in no line of a log at level trace, and in no answer', async () => {
    const good = await server.token(`ada`, { name: CANARY })
    const [, payload = '', signature = ''] = good.split('.')
    const forged = `${encode({ alg: 'HS256', kid: CANARY })}.${encode({ sub: CANARY, exp: 1 })}.${CANARY}`
    const bad = [CANARY, `${CANARY}.${CANARY}.${CANARY}`, forged, `${good}x`]
    const answers: string[] = []

    for (const token of [good, ...bad]) {
      const bearer = { authorization: `Bearer ${token}` }
      for (const headers of [bearer, { authorization: `Basic ${token}` }, { cookie: token }]) {
        answers.push((await rawRequest(`${server.url}/v1/documents`, { headers })).body)
      }
      for (const name of ['token', 'access_token', 'jwt', 'TOKEN', '%74oken']) {
        for (const path of ['/v1/documents', '/v1/nothing', '/', '/livez']) {
          const refused = await rawRequest(`${server.url}${path}?${name}=${token}`)
          expect([path, name, refused.status]).toEqual([path, name, 400])
          answers.push(refused.body)
        }
        const socket = await rawRequest(`${server.url}/sync?${name}=${token}`, { headers: upgrade })
        expect(socket.status).toBe(400)
        answers.push(socket.body)
      }
      const sockets = [
        await connect(`/y/a?token=${token}`),
        await connect('/y/a', ['weft', token]),
        await connect('/sync'),
        await connect('/sync'),
      ]
      sockets[2]?.authenticate('a', token)
      sockets[2]?.send(syncFrame('a', 0, Uint8Array.of(0)))
      sockets[3]?.authenticate('a', token, `{"protocol":"${CANARY}"}`)
      await until(() => sockets.slice(0, 3).every(({ frames }) => frames.length > 0), 'answered')
      await until(() => (sockets[3]?.told().length ?? 0) > 0, 'told')
      // A fresh token on a live document, and one that cannot be read.
      sockets[2]?.authenticate('a', `${CANARY}.again`)
      sockets[3]?.send(Uint8Array.of(1, 97, 2, 0, 200, ...Buffer.from(CANARY)))
      for (const socket of sockets) {
        answers.push(socket.frames.map(bytes => Buffer.from(bytes).toString()).join('\n'))
        answers.push(socket.closed?.reason ?? '')
      }
    }
    const broken = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const body = `{"token":"${CANARY}",`
    answers.push((await rawRequest(`${server.url}/v1/dev/tokens`, { ...broken, body })).body)
    answers.push((await rawRequest(`${server.url}/metrics`)).body)
    await until(() => lines.length > 100, 'all of it was logged')

    const secrets = [CANARY, payload, signature, encode({ alg: 'HS256', kid: CANARY })]
    for (const secret of secrets) {
      expect(lines.filter(line => line.includes(secret))).toEqual([])
    }
    for (const secret of [payload, signature]) {
      expect(answers.filter(answer => answer.includes(secret))).toEqual([])
    }
    // The canary as a name is told to who has the document open, as presence would: only there.
    expect(answers.filter(answer => answer.includes(CANARY))).toEqual([])
  })

  test('that are logged by mistake are made unreadable', async () => {
    const written: string[] = []
    const into = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString())
        done()
      },
    })
    const log = createLogInto(into, 'trace')
    const token = await server.token('ada')
    const cause = new Error(`cannot read ${token}`)
    log.info({ token, headers: { authorization: token } }, 'one')
    log.info({ request: { headers: { 'sec-websocket-protocol': token, cookie: token } } }, 'two')
    log.error({ err: new Error(`GET /y/a?token=${token}`, { cause }) }, `three: ${token}`)
    log.warn({ url: `/y/a?access_token=${CANARY}&b=1`, jwt: CANARY }, 'four')
    expect(written).toHaveLength(4)
    for (const line of written) {
      expect(line).not.toContain(token.slice(0, 30))
      expect(line).not.toContain(CANARY)
      expect(() => JSON.parse(line) as unknown).not.toThrow()
    }
  })
})
