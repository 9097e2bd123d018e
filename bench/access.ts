/** `node bench/access.ts`: what a decision costs, cold and on a live connection, and how fast a revocation is. */
import { ManualClock } from '../shared/manual-clock.ts'
import { decide, type Rule } from '../shared/decide.ts'
import { documentName } from '../shared/names.ts'
import { roleCapabilities } from '../shared/permissions.ts'
import { testPrincipal } from '../shared/test-principal.ts'
import { Pass } from '../server/access/pass.ts'
import { noRules } from '../server/access/policy.ts'
import { rawClient } from '../server/testing/raw-client.ts'
import { startTestApp } from '../server/testing/test-app.ts'
import { until } from '../server/testing/until.ts'
import { quantile } from './scenario.ts'

const CALLS = 200_000
const REVOCATIONS = 100

const name = documentName('acme/plans/seven')
const principal = testPrincipal({
  groups: ['staff'],
  grants: [{ resource: 'acme/**', role: 'viewer' }],
})

function rules(count: number): Rule[] {
  const resources = ['**', 'acme/**', 'acme/plans/**', name]
  return Array.from({ length: count }, (_, i) => ({
    id: `g${i}`,
    subject: i % 2 === 0 ? { kind: 'self' } : { kind: 'group', name: 'staff' },
    resource: resources[i % 4] ?? '**',
    effect: i % 10 === 9 ? 'deny' : 'allow',
    role: 'editor',
    capabilities: i % 10 === 9 ? ['delete'] : roleCapabilities.editor,
    paths: null,
    expiresAt: Infinity,
    condition: null,
  }))
}

/** Microseconds for each call; the median of five turns. */
function measure(action: () => unknown): number {
  const turns = Array.from({ length: 5 }, () => {
    const start = performance.now()
    for (let i = 0; i < CALLS; i++) action()
    return ((performance.now() - start) * 1_000) / CALLS
  })
  return quantile(turns, 0.5)
}

async function livePass(count: number): Promise<Pass> {
  const known = rules(count)
  const pass = new Pass({
    principal,
    name,
    situation: { address: null },
    rules: { ...noRules, rulesFor: () => Promise.resolve(known) },
    clock: new ManualClock(0),
    isRevoked: () => false,
    onClose: () => {},
    note: () => {},
    onError: () => {},
  })
  await pass.refresh()
  return pass
}

const show = (what: string, value: number, unit: string) =>
  console.log(`| ${what} | ${value < 10 ? value.toFixed(3) : value.toFixed(1)} ${unit} |`)

console.log('| what | cost |\n|---|---:|')
for (const count of [0, 4, 10, 100]) {
  const known = rules(count)
  const question = { principal, rules: known, resource: name, at: 0, address: null } as const
  const cost = measure(() => decide({ ...question, capability: 'write' }))
  show(`decide() with ${count} rules of the store`, cost, 'µs')
}
for (const count of [0, 100]) {
  const pass = await livePass(count)
  show(
    `live check of a frame, ${count} rules behind it`,
    measure(() => pass.writing()),
    'µs',
  )
  pass.close()
}

const server = await startTestApp()
const ms: number[] = []
for (let i = 0; i < REVOCATIONS; i++) {
  const order = { subject: 'user:guest', resource: 'acme/plan', role: 'editor' }
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(order)
  const made = await server.fetch('/v1/grants', { method: 'POST', headers, body })
  const { id } = (await made.json()) as { id: string }
  const client = await rawClient(server.syncUrl)
  client.authenticate('acme/plan', await server.token('guest', { grants: [] }))
  await until(() => client.frames.length > 0, 'in')
  const start = performance.now()
  const gone = new Promise<number>(resolve =>
    client.socket.on('close', () => resolve(performance.now() - start)),
  )
  await server.fetch(`/v1/grants/${id}`, { method: 'DELETE' })
  ms.push(await gone)
}
show('from the revocation to the end of the connection, p50', quantile(ms, 0.5), 'ms')
show('the same, p99', quantile(ms, 0.99), 'ms')
await server.stop()
process.exit(0)
