/** Everything at once: nodes, their ways, the database and the bus fail as a seed says, under writers. */
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import type { Cluster, ClusterNode } from './cluster.ts'
import { Crew } from './crew.ts'
import { frontDoor, type FrontDoor } from './front-door.ts'
import type { Verdict } from './oracle.ts'

export type ChaosOptions = {
  readonly seed: number
  /** Rounds that one crew lives through, before all replicas have to agree. */
  readonly rounds: number
  readonly writers: number
  readonly onRound?: (report: ChaosRound) => void
}

export type ChaosRound = Verdict & {
  readonly round: number
  readonly faults: readonly string[]
  readonly heldMs: number
}

export type ChaosReport = {
  readonly rounds: readonly ChaosRound[]
  readonly acknowledged: number
  readonly lost: readonly string[]
  readonly invented: readonly string[]
  /** What nobody planned for: processes that ended by themselves, errors that nobody caught. */
  readonly surprises: readonly string[]
  /** How long after the last fault all clients and the database were the same. */
  readonly convergedAfterMs: number
}

/** One fault, begun; the answer heals it. */
type Fault = {
  readonly what: string
  /** Faults of one target never meet: the second would heal the first. */
  readonly target: string
  readonly begin: () => Promise<() => Promise<void>> | (() => Promise<void>)
}

/** Short enough that a statement on a silent way fails within a round. */
export const CHAOS_SETTINGS = {
  WEFT_DATABASE_TIMEOUT_MS: '2000',
  WEFT_SNAPSHOT_ENTRIES: '40',
  WEFT_DOCUMENT_IDLE_MS: '500',
  WEFT_DRAIN_TIMEOUT_MS: '4000',
}

export async function chaos(cluster: Cluster, options: ChaosOptions): Promise<ChaosReport> {
  const { seed, rounds: count, writers } = options
  const random = seededRandom(seed)
  const door = await frontDoor(cluster.nodes, random)
  const documents = [0, 1, 2, 3].map(i => `chaos-${seed}/${i}`)
  const crew = await Crew.join({
    databaseUrl: cluster.databaseUrl,
    urls: () => door.urls,
    writers,
    documents,
    random,
  })
  const surprises = new Set<string>()
  const rounds: ChaosRound[] = []
  try {
    await crew.ready()
    crew.run(60)
    for (let round = 1; round <= count; round++) {
      const acknowledged = crew.acknowledged
      const faults = chooseFaults(cluster, door, random)
      const heldMs = integerBetween(random, 100, 3_000)
      await hold(faults, heldMs)
      // Whatever had been: with all of it healed, edits are stored again without anybody's help.
      await crew.acknowledgesMore(acknowledged, 15_000)
      for (const surprise of surprisesOf(cluster)) surprises.add(surprise)
      const report = {
        round,
        faults: faults.map(({ what }) => what),
        heldMs,
        ...(await crew.judge()),
      }
      rounds.push(report)
      options.onRound?.(report)
    }
    await crew.stop()
    const quietAt = performance.now()
    await crew.converged()
    const convergedAfterMs = Math.round(performance.now() - quietAt)
    const last = await crew.judge()
    return {
      rounds,
      acknowledged: last.acknowledged,
      lost: [...rounds, last].flatMap(({ lost }) => lost),
      invented: [...rounds, last].flatMap(({ invented }) => invented),
      surprises: [...surprises],
      convergedAfterMs,
    }
  } finally {
    await crew.stop()
    crew.close()
    await door.close()
  }
}

async function hold(faults: readonly Fault[], heldMs: number): Promise<void> {
  const heals: (() => Promise<void>)[] = []
  for (const fault of faults) heals.push(await fault.begin())
  await pause(heldMs)
  // What nodes need comes back before the nodes do.
  for (const heal of heals) await heal()
}

function chooseFaults(cluster: Cluster, door: FrontDoor, random: Random): readonly Fault[] {
  const chosen = new Map<string, Fault>()
  const count = integerBetween(random, 1, 3)
  while (chosen.size < count) {
    const fault = pick(random, possibleFaults(cluster, door, random))
    if (!chosen.has(fault.target)) chosen.set(fault.target, fault)
  }
  const order = ['postgres', 'redis', 'way', 'door', 'node']
  const place = ({ target }: Fault) => order.findIndex(kind => target.startsWith(kind))
  return [...chosen.values()].toSorted((one, other) => place(one) - place(other))
}

function possibleFaults(cluster: Cluster, door: FrontDoor, random: Random): readonly Fault[] {
  const { postgres, redis } = cluster
  const everywhere: Fault[] = [
    {
      what: 'postgres crashes',
      target: 'postgres',
      async begin() {
        await postgres.stop('immediate')
        return () => postgres.start()
      },
    },
    {
      what: 'postgres stands still',
      target: 'postgres',
      begin() {
        postgres.hold('SIGSTOP')
        return async () => postgres.hold('SIGCONT')
      },
    },
    {
      what: 'everybody changes nodes',
      target: 'door',
      begin() {
        door.shake()
        return async () => {}
      },
    },
  ]
  if (redis !== undefined) {
    everywhere.push(
      {
        what: 'redis is killed',
        target: 'redis',
        async begin() {
          await redis.kill()
          return () => redis.start()
        },
      },
      {
        what: 'redis stands still',
        target: 'redis',
        begin() {
          redis.freeze()
          return async () => redis.thaw()
        },
      },
    )
  }
  const node = pick(random, cluster.nodes)
  return [...everywhere, ...nodeFaults(node), ...nodeFaults(node), ...wayFaults(node, random)]
}

function nodeFaults(node: ClusterNode): readonly Fault[] {
  const target = `node ${node.id}`
  return [
    {
      what: `${target} is killed`,
      target,
      async begin() {
        await node.server.kill()
        return () => startAgain(node)
      },
    },
    {
      what: `${target} is told to end`,
      target,
      async begin() {
        const ended = node.server.kill('SIGTERM')
        return async () => {
          await ended
          await startAgain(node)
        }
      },
    },
    {
      what: `${target} stands still`,
      target,
      begin() {
        node.pause()
        return async () => node.resume()
      },
    },
  ]
}

function wayFaults(node: ClusterNode, random: Random): readonly Fault[] {
  const { toDatabase, toBus } = node
  const fault = (what: string, way: 'database' | 'bus', begin: () => void): Fault => ({
    what: `${what}: node ${node.id} to the ${way}`,
    target: `way of ${node.id} to the ${way}`,
    begin() {
      begin()
      return async () => (way === 'database' ? toDatabase : toBus)?.restore()
    },
  })
  const lateMs = integerBetween(random, 50, 1_000)
  return [
    fault('cut', 'database', () => toDatabase.cut()),
    fault('silent', 'database', () => toDatabase.silence()),
    fault(`${lateMs} ms late`, 'database', () => toDatabase.delay(lateMs)),
    fault('cut', 'bus', () => toBus?.cut()),
    fault('silent', 'bus', () => toBus?.silence()),
    fault(`${lateMs} ms late`, 'bus', () => toBus?.delay(0, lateMs)),
    fault('a third lost', 'bus', () => toBus?.lose(0.3)),
  ]
}

/** As whoever looks after processes does: a start that fails is tried again. */
async function startAgain(node: ClusterNode): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await node.start()
    } catch (error) {
      if (attempt === 10) throw error
      await pause(200)
    }
  }
}

/** Nothing here may be new to a node: whatever its day is like, it has a plan. */
function surprisesOf({ nodes }: Cluster): readonly string[] {
  return nodes.flatMap(({ id, isUp, server }) => [
    ...(isUp ? [] : [`node ${id} has ended: ${JSON.stringify(server.log.slice(-3))}`]),
    ...server.log
      .filter(({ level, msg }) => level === 'fatal' || SURPRISING.test(msg ?? ''))
      .map(line => `node ${id}: ${JSON.stringify(line)}`),
  ])
}

const SURPRISING = /unhandled|uncaught|broke the copy|bug|differs|damage/

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
