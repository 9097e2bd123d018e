/**
 * Whatever happens to grants, not a byte of a document reaches somebody whose access has ended: all
 * that comes over the wire is kept, and searched for what was written after that.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { WebSocket } from 'ws'
import { createClient, type WeftClient } from '../client/sdk/index.ts'
import { decide } from '../shared/decide.ts'
import { syncFrame, syncStep } from '../shared/frames.ts'
import { integerBetween, seededRandom } from '../shared/random.ts'
import { testPrincipal } from '../shared/test-principal.ts'
import { toRule, type StoredGrant } from './access/grants/grant.ts'
import { rawClient, type RawClient } from './testing/raw-client.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const STEPS = Number(process.env['STEPS'] ?? 150)
const NAME = 'acme/plan'
const groups = ['staff']

let server: TestApp
let author: WeftClient
beforeEach(async () => {
  server = await startTestApp()
  author = createClient({ url: server.url, token: () => server.token('owner'), offline: 'memory' })
})
afterEach(async () => {
  await author.close()
  await server.stop()
})

/** Everything that a guest gets to see, by every door. */
class Capture {
  readonly #chunks: Uint8Array[] = []
  #raw: RawClient | undefined
  #y: WebSocket | undefined

  take(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
  }

  has(marker: string): boolean {
    const wanted = Buffer.from(marker)
    return this.#chunks.some(chunk => Buffer.from(chunk).includes(wanted))
  }

  /** Comes in by both socket protocols, unless it is there already, and reads over REST. */
  async knock(): Promise<void> {
    const token = await server.token('guest', { grants: [], groups })
    const query = new TextDecoder().decode(new TextEncoder().encode(token))
    const question = Y.encodeStateVector(new Y.Doc())
    if (this.#raw === undefined || this.#raw.closed !== undefined) {
      this.#raw = await rawClient(server.syncUrl)
      this.#raw.socket.on('message', (data: Buffer) => this.take(Uint8Array.from(data)))
    }
    this.#raw.authenticate(NAME, token)
    this.#raw.send(syncFrame(NAME, syncStep.step1, question))
    if (this.#y === undefined || this.#y.readyState >= WebSocket.CLOSING) {
      this.#y = new WebSocket(`${server.yUrl}/${NAME}?token=${query}`)
      this.#y.on('message', (data: Buffer) => this.take(Uint8Array.from(data)))
      this.#y.on('error', () => {})
      this.#y.on('open', () => this.#y?.send(Uint8Array.of(0, 0, 1, 0)))
    }
    for (const format of ['json', 'yjs']) {
      const path = `/v1/documents/${encodeURIComponent(NAME)}/content?format=${format}`
      const response = await fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      this.take(new Uint8Array(await response.arrayBuffer()))
    }
  }

  close(): void {
    this.#raw?.close()
    this.#y?.terminate()
  }
}

type Body = Omit<StoredGrant, 'createdAt' | 'expiresAt'>

test(`no byte after access has ended, SEED=${seed}`, async () => {
  const random = seededRandom(seed)
  const pick = <T>(some: readonly T[]): T => some[integerBetween(random, 0, some.length - 1)]!
  const handle = author.open(NAME)
  await handle.whenSynced()
  const capture = new Capture()
  const grants = new Map<string, Body>()
  const mayRead = () => {
    const rules = [...grants.values()]
      .filter(({ subject }) => subject !== 'user:other')
      .map(grant => toRule({ ...grant, createdAt: 0 }, new Map()))
    const principal = testPrincipal({ id: 'guest', groups })
    const question = { principal, rules, resource: NAME, at: 0, address: null } as const
    return decide({ ...question, capability: 'read' }).allowed
  }
  const rest = (path: string, method: string, body?: object) =>
    server.fetch(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  const changes = {
    async create() {
      const response = await rest('/v1/grants', 'POST', {
        ...pick([
          { subject: pick(['user:guest', 'group:staff', '*', 'user:other']) },
          // Not everybody, or the owner would be out as well.
          { subject: pick(['user:guest', 'group:staff']), effect: 'deny' },
        ]),
        resource: pick([NAME, 'acme/**', '**', 'other/**']),
        ...pick([{ role: 'viewer' }, { role: 'editor' }, { capabilities: ['write'] }]),
      })
      expect(response.status).toBe(201)
      const body = (await response.json()) as Body
      grants.set(body.id, body)
    },
    async change() {
      const id = pick([...grants.keys()])
      const to = pick([{ role: 'viewer' }, { capabilities: ['write'] }])
      const response = await rest(`/v1/grants/${id}`, 'PATCH', to)
      expect(response.status).toBe(200)
      grants.set(id, (await response.json()) as Body)
    },
    async revoke() {
      const id = pick([...grants.keys()])
      expect((await rest(`/v1/grants/${id}`, 'DELETE')).status).toBe(204)
      grants.delete(id)
    },
  }

  let ended = 0
  /** What was written while the guest had no access. */
  let secrets: string[] = []
  for (let step = 0; step < STEPS; step++) {
    const wasAllowed = mayRead()
    const how = grants.size < 2 ? 'create' : pick(['create', 'change', 'revoke', 'revoke'] as const)
    // It is on its way in while the change is made, as somebody would who does not give up.
    const knocking = capture.knock()
    await changes[how]()
    const isAllowed = mayRead()
    if (wasAllowed && !isAllowed) ended += 1
    const marker = `marker-${step};`
    handle.doc.getText('t').insert(0, marker)
    if (isAllowed) secrets = []
    else secrets.push(marker)
    await handle.whenSaved()
    await knocking
    await capture.knock()
    for (const secret of secrets) expect(capture.has(secret), `${secret} after ${how}`).toBe(false)
    if (!isAllowed) continue
    // The other way round, so that the search is known to find something.
    const end = Date.now() + 10_000
    while (!capture.has(marker) && Date.now() < end) await capture.knock()
    expect(capture.has(marker), `${marker} after ${how}`).toBe(true)
  }
  capture.close()
  expect(ended).toBeGreaterThan(2)
}, 120_000)
