/** Everything of one simulation: a schedule, a disk, a network, a server that comes and goes, clients. */
import type { DocumentStatus } from '../../client/sdk/index.ts'
import { documentName } from '../../shared/names.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { Disk } from './disk.ts'
import { EventLog } from './event-log.ts'
import type { SimulatedGlobals } from './globals.ts'
import { Network } from './network.ts'
import { Oracle } from './oracle.ts'
import { Schedule, Scope } from './schedule.ts'
import { SimClient } from './sim-client.ts'
import { SimServer, UNSAVED_BYTES_MAX } from './sim-server.ts'

export const DOCUMENT = documentName('sim/busy')
/** A document that no fault is aimed at: it shares the server, and nothing else. */
export const CALM_DOCUMENT = documentName('sim/calm')

/** A lone edit with a store that works is acknowledged by then, whatever happens to others. */
const CALM_ACK_MS = 1_000

export type WorldOptions = {
  /** How long a document without clients stays in the server's memory. */
  readonly idleMs?: number
}

export class World {
  readonly idleMs: number
  readonly schedule = new Schedule()
  readonly log = new EventLog(() => this.schedule.elapsed)
  /** Decides what happens; each part has a stream of its own beside it. */
  readonly random: Random
  readonly disk: Disk
  readonly network: Network
  readonly oracle: Oracle
  readonly clients: readonly SimClient[]
  readonly calm: SimClient
  /** The world's own events: nobody's crash stops them. */
  readonly scope = new Scope('world')
  /** What the actions put off: it ends with them. */
  readonly acting = new Scope('actions')
  /** Intervals of libraries that run. */
  intervals = 0
  server: SimServer | undefined
  readonly #libraryRandom: Random
  #servers = 0
  /** Is the document deleted, and nobody made it anew yet? */
  #isDeleted = false
  #budgetSpentAt = -Infinity

  constructor(seed: number, options: WorldOptions = {}) {
    this.idleMs = options.idleMs ?? 5_000
    const stream = (n: number) => seededRandom(Math.imul(seed, 0x9e3779b1) + n)
    this.random = stream(0)
    this.#libraryRandom = stream(1)
    const { schedule, log, scope } = this
    this.disk = new Disk({ schedule, log, random: stream(2), calm: CALM_DOCUMENT })
    const listener = () => this.server
    this.network = new Network({ schedule, log, scope, listener, random: stream(3) })
    this.oracle = new Oracle(this.disk)
    const client = (id: string, document: string, n: number) =>
      new SimClient({
        id,
        document,
        schedule,
        log,
        network: this.network,
        random: stream(n),
        onState: one => this.oracle.checkHonest(one),
        onLost: (one, tokens) =>
          this.oracle.report(`F14: ${one.id} had on its device, and lost: ${tokens.join(' ')}`),
      })
    const count = integerBetween(this.random, 2, 5)
    this.clients = Array.from({ length: count }, (_, i) => client(`c${i}`, DOCUMENT, 10 + i))
    this.calm = client('calm', CALM_DOCUMENT, 9)
  }

  get globals(): SimulatedGlobals {
    return {
      now: () => this.schedule.wallTime,
      random: () => this.#libraryRandom.next(),
      every: (intervalMs, action) => this.#every(intervalMs, action),
    }
  }

  #every(intervalMs: number, action: () => void): () => void {
    // Hocuspocus asks for one that would fire in three weeks: nobody waits for it.
    if (intervalMs > 1e9) return () => {}
    this.intervals += 1
    const arm = () =>
      this.schedule.after(this.scope, intervalMs, () => {
        action()
        if (running) cancel = arm()
      })
    let running = true
    let cancel = arm()
    return () => {
      if (!running) return
      running = false
      this.intervals -= 1
      cancel()
    }
  }

  later(delayMs: number, action: () => void): void {
    this.schedule.after(this.acting, delayMs, action)
  }

  /** Lets time pass; the oracle looks after every event. Throws the first violation. */
  async pass(spanMs: number): Promise<void> {
    await this.schedule.run(spanMs, () => this.#look())
  }

  #look(): void {
    for (const client of this.clients) this.oracle.checkHonest(client)
    this.oracle.checkHonest(this.calm)
    this.oracle.checkBounds(this.server)
    const bytes = this.server?.documents.unsaved.bytes ?? 0
    if (bytes >= UNSAVED_BYTES_MAX) this.#budgetSpentAt = this.schedule.elapsed
    if (this.oracle.violation !== undefined) throw this.oracle.violation
  }

  startServer(): void {
    if (this.server !== undefined) return
    const { schedule, disk, log, oracle } = this
    const name = `server${++this.#servers}`
    log.add(name, 'starts')
    this.server = new SimServer({
      name,
      schedule,
      disk,
      log,
      random: seededRandom(Math.floor(this.random.next() * 2 ** 32)),
      idleMs: this.idleMs,
      onBug: sentence => oracle.report(`a bug was logged: ${sentence}`),
    })
  }

  crashServer(): void {
    const { server, random } = this
    if (server === undefined) return
    this.log.add(server.scope.name, 'crashes')
    this.server = undefined
    server.crash()
    this.network.serverDied(server.scope, client => client === this.calm.id || random.next() < 0.7)
  }

  /** What the device had when the tab died is there when the next one opens. */
  crashClient(client: SimClient): void {
    const state = client.tab?.handle.state.get()
    // A copy of another life is just being set aside: the next tab finds it there, and not in the
    // document.
    const isLeaving = isOfAnotherLife(state?.status)
    const isAllKept = state?.loaded === true && state.kept === state.unsaved && !isLeaving
    this.log.add(client.id, `crashes${isAllKept ? ', all is on the device' : ''}`)
    const { durable } = this.disk
    const kept = isAllKept ? client.mine.filter(token => !durable.has(token)) : []
    const isLost = (token: string) => !isAllKept && !durable.has(token)
    for (const token of client.mine.filter(isLost)) client.orphans.add(token)
    client.crash()
    client.mustFind = kept
  }

  deleteDocument(): void {
    const { server } = this
    if (server === undefined || this.#isDeleted) return
    this.#isDeleted = true
    this.log.add('admin', 'deletes the document')
    void server.documents.remove(DOCUMENT, 'admin')
  }

  /** Tries until it works: the server may be down, or go down before it answers. */
  createDocument(): void {
    const { server } = this
    if (server === undefined || !this.#isDeleted) return
    this.log.add('admin', 'makes the document anew')
    // It may have been deleted again by the time that the answer comes: the disk knows.
    const made = async () => {
      const head = await this.disk.journal.head(DOCUMENT)
      this.#isDeleted = head === undefined || head.deletedAt !== null
    }
    server.documents.create(DOCUMENT, { by: 'admin' }).then(made, () => {})
  }

  get isDeleted(): boolean {
    return this.#isDeleted
  }

  /** The calm document takes an edit, and its answer must come in time. */
  writeCalm(): void {
    const { calm, server, schedule } = this
    if (server === undefined || calm.tab?.handle.status.kind !== 'live') return
    calm.write()
    const at = schedule.elapsed
    const token = calm.written.at(-1)!
    this.schedule.after(this.scope, CALM_ACK_MS, () => {
      if (calm.notLiveAt >= at || this.server !== server || this.#budgetSpentAt >= at) return
      const isSaved = this.oracle.acknowledged.has(token)
      this.oracle.expect(isSaved, `I6: ${token} is not acknowledged after ${CALM_ACK_MS} ms`)
    })
  }

  someone(): SimClient {
    return pick(this.random, this.clients)
  }
}

function isOfAnotherLife(status: DocumentStatus | undefined): boolean {
  return status?.kind === 'refused' && status.error.code === 'INCARNATION_MISMATCH'
}
