/** One run: a seed decides what happens, and the oracle whether it may. */
import type * as Y from 'yjs'
import { integerBetween, type Random } from '../../shared/random.ts'
import { actions, type ActionName } from './actions.ts'
import { withGlobals } from './globals.ts'
import { fairFrames } from './wire.ts'
import { imprint, Violation } from './oracle.ts'
import { profiles, type Profile, type ProfileName } from './profiles.ts'
import { CALM_DOCUMENT, DOCUMENT, World } from './world.ts'

export type SimulationOptions = {
  readonly seed: number
  readonly steps: number
  readonly profile: ProfileName
}

export type SimulationReport = {
  readonly seed: number
  /** Undefined when all went as it should. */
  readonly failure: string | undefined
  /** Of everything that happened, in order. */
  readonly digest: string
  readonly events: number
  readonly virtualMs: number
  /** From the end of the last fault until all replicas agreed. */
  readonly healedMs: number
  readonly acknowledged: number
  readonly tail: readonly string[]
}

/** Backoff of the client and of the disk, after the last fault. */
const HEAL_MS_MAX = 120_000
const TAIL_LINES = 5_000

export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, steps } = options
  const profile: Profile = profiles[options.profile]
  const world = new World(seed)
  let failure: string | undefined
  let healedMs = 0
  const onRejection = (error: unknown) => world.oracle.report(`unhandled: ${sentenceOf(error)}`)
  process.on('unhandledRejection', onRejection)
  try {
    await withGlobals(world.globals, async () => {
      await act(world, { profile, steps })
      healedMs = await heal(world)
      await checkEnd(world)
    })
  } catch (error) {
    failure = sentenceOf(error)
    world.log.add('oracle', failure)
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  return {
    seed,
    failure,
    digest: world.log.digest(),
    events: world.schedule.eventCount,
    virtualMs: world.schedule.elapsed,
    healedMs,
    acknowledged: world.oracle.acknowledged.size,
    tail: failure === undefined ? [] : world.log.tail(TAIL_LINES),
  }
}

async function act(
  world: World,
  { profile, steps }: { profile: Profile; steps: number },
): Promise<void> {
  const { random, log, clients, calm } = world
  world.startServer()
  calm.start()
  for (const client of clients) {
    client.weather.frames = profile.frames
    client.start()
  }
  await world.pass(integerBetween(random, 0, 500))
  for (let step = 0; step < steps; step++) {
    const name = draw(random, profile.weights)
    if (name !== 'write') log.add('step', name)
    world.later(0, () => actions[name](world))
    if (step % 5 === 0) world.later(1, () => world.writeCalm())
    await world.pass(pauseOf(random))
    await world.oracle.checkJournal(DOCUMENT, clients)
  }
}

function draw(random: Random, weights: Profile['weights']): ActionName {
  const entries = Object.entries(weights) as [ActionName, number][]
  let at = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight] of entries) {
    if (at < weight) return name
    at -= weight
  }
  return 'write'
}

function pauseOf(random: Random): number {
  const kind = random.next()
  if (kind < 0.5) return integerBetween(random, 0, 30)
  return kind < 0.9 ? integerBetween(random, 30, 400) : integerBetween(random, 400, 8_000)
}

/** No fault begins any more. Returns how long it took until all replicas agreed. */
export async function heal(world: World): Promise<number> {
  const { disk, log, clients, calm } = world
  log.add('step', 'heal')
  world.acting.kill()
  disk.heal()
  world.startServer()
  const startedAt = world.schedule.elapsed
  for (const client of clients) {
    Object.assign(client.weather, { latencyMsMax: 10, reachable: 'yes', frames: fairFrames })
    if (client.tab === undefined) client.start()
    if (client.hasLeft) client.rejoin()
    client.setPaused(false)
  }
  for (;;) {
    if (world.isDeleted) world.createDocument()
    for (const { tab } of clients) if (tab?.handle.status.kind === 'refused') tab.handle.retry()
    await world.pass(500)
    const waitedMs = world.schedule.elapsed - startedAt
    const different = await differences(world)
    if (different === undefined && isQuiet(world)) return waitedMs
    if (waitedMs < HEAL_MS_MAX) continue
    const states = [...clients, calm].map(({ id, tab }) => {
      const state = tab?.handle.state.get()
      return `${id}: ${state?.status.kind}, ${JSON.stringify(state?.save)}`
    })
    throw new Violation(`I2: not one after ${waitedMs} ms: ${different}; ${states.join('; ')}`)
  }
}

function isQuiet({ clients, calm }: World): boolean {
  return [...clients, calm].every(({ tab, paused }) => {
    if (tab === undefined || paused) return false
    const { status, unsaved, loaded } = tab.handle.state.get()
    return loaded && status.kind === 'live' && unsaved === 0
  })
}

/** I2: a sentence when clients, server and journal are not the same in everything. */
async function differences({ oracle, clients, server }: World): Promise<string | undefined> {
  const stored = await oracle.checkJournal(DOCUMENT, clients)
  if (stored === undefined) return 'there is no document'
  const expected = imprint(stored)
  const live = server?.live(DOCUMENT)?.doc
  if (live === undefined) return 'the document is not open'
  const replicas: [string, Y.Doc | undefined][] = [
    ['the server', live],
    ...clients.map(({ id, tab }): [string, Y.Doc | undefined] => [id, tab?.handle.doc]),
  ]
  const other = replicas.find(([, doc]) => doc === undefined || imprint(doc) !== expected)
  if (other === undefined) return undefined
  return `${other[0]} is not what is stored: ${firstDifference(expected, other[1])}`
}

function firstDifference(expected: string, doc: Y.Doc | undefined): string {
  const found = doc === undefined ? 'nothing' : imprint(doc)
  let at = 0
  while (expected[at] === found[at]) at += 1
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 60)
  return `${around(expected)} | ${around(found)}`
}

/** What must hold when all is over: nothing lost, nothing mixed up, nothing left behind. */
export async function checkEnd(world: World): Promise<void> {
  const { oracle, clients, calm, server } = world
  oracle.checkLives()
  await oracle.checkJournal(CALM_DOCUMENT, [calm])
  const scopes = [...clients, calm].flatMap(({ tab }) => tab?.scope ?? [])
  const closing = [...clients, calm].map(client => client.close())
  await world.pass(world.idleMs + 30_000)
  await Promise.all(closing)
  const left = scopes.filter(({ pending }) => pending > 0).map(({ name }) => name)
  oracle.expect(left.length === 0, `I5: timers are left of ${left.join(', ')}`)
  oracle.expect(world.intervals === 0, `I5: ${world.intervals} intervals are left`)
  oracle.expect(server?.documents.liveCount === 0, 'I5: documents stay in memory')
  oracle.expect(server?.documents.unsaved.bytes === 0, 'I5: the unsaved budget is not given back')
  oracle.expect(server?.connectionCount === 0, 'I5: connections are left')
  // The pings of the server are the one timer that goes on.
  oracle.expect(server?.scope.pending === 1, `I5: ${server?.scope.pending} timers of the server`)
  if (oracle.violation !== undefined) throw oracle.violation
}

function sentenceOf(error: unknown): string {
  if (error instanceof Violation) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
