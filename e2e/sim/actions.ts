/** What may happen in one step of a simulation. */
import { integerBetween, pick } from '../../shared/random.ts'
import { DOCUMENT, type World } from './world.ts'

export type ActionName =
  | 'write'
  | 'burst'
  | 'presence'
  | 'drop'
  | 'silence'
  | 'pause'
  | 'unreachable'
  | 'slowLink'
  | 'serverCrash'
  | 'appendsFail'
  | 'answersLost'
  | 'slowDisk'
  | 'opensFail'
  | 'clientCrash'
  | 'reopen'
  | 'kick'
  | 'retry'
  | 'replace'
  | 'everybodyLeaves'

export const actions: Readonly<Record<ActionName, (world: World) => void>> = {
  write: world => someone(world).write(),

  burst(world) {
    const client = someone(world)
    const count = integerBetween(world.random, 2, 8)
    for (let i = 0; i < count; i++) client.write()
  },

  presence(world) {
    const { tab } = someone(world)
    tab?.handle.awareness.setLocalStateField('at', integerBetween(world.random, 0, 99))
  },

  drop: world => world.network.drop(someone(world).id),
  silence: world => world.network.silence(someone(world).id),

  pause(world) {
    const client = someone(world)
    client.setPaused(true)
    world.later(longWhile(world), () => client.setPaused(false))
  },

  unreachable(world) {
    const { weather, id } = someone(world)
    weather.reachable = pick(world.random, ['refused', 'silent'])
    if (world.random.next() < 0.5) world.network.silence(id)
    else world.network.drop(id)
    world.later(longWhile(world), () => {
      weather.reachable = 'yes'
    })
  },

  slowLink(world) {
    const { weather } = someone(world)
    weather.latencyMsMax = integerBetween(world.random, 100, 3_000)
    world.later(longWhile(world), () => {
      weather.latencyMsMax = 10
    })
  },

  serverCrash(world) {
    if (world.server === undefined) return
    world.crashServer()
    world.later(world.random.next() < 0.5 ? 0 : longWhile(world) / 3, () => world.startServer())
  },

  appendsFail: world => {
    world.disk.faults.failAppends = integerBetween(world.random, 1, 8)
  },
  answersLost: world => {
    world.disk.faults.loseAnswers = integerBetween(world.random, 1, 3)
  },
  opensFail: world => {
    world.disk.faults.failOpens = integerBetween(world.random, 1, 3)
  },

  slowDisk(world) {
    const { faults } = world.disk
    faults.latencyMsMax = integerBetween(world.random, 50, 5_000)
    world.later(longWhile(world), () => {
      world.disk.faults.latencyMsMax = 5
    })
  },

  clientCrash(world) {
    const client = someone(world)
    world.crashClient(client)
    const back = world.random.next() < 0.5 ? 0 : longWhile(world) / 2
    world.later(back, () => {
      if (client.tab === undefined) client.start()
    })
  },

  reopen: world => someone(world).reopen(),
  kick: world => world.server?.kick(DOCUMENT),

  retry: world => someone(world).tab?.handle.retry(),

  replace(world) {
    world.deleteDocument()
    const tryIt = () => {
      world.createDocument()
      if (world.isDeleted) world.later(500, tryIt)
    }
    world.later(integerBetween(world.random, 0, 3_000), tryIt)
  },

  /** Long enough for the document to leave the server's memory. */
  everybodyLeaves(world) {
    for (const client of world.clients) client.setPaused(true)
    const back = integerBetween(world.random, 1_000, 12_000)
    world.later(back, () => {
      for (const client of world.clients) client.setPaused(false)
    })
  },
}

const someone = ({ random, clients }: World) => pick(random, clients)
const longWhile = ({ random }: World) => integerBetween(random, 100, 15_000)
