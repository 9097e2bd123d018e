/** What is measured of one node. */
import { Mover, Moves, moveSteadily } from './crowd.ts'
import { Clockwork, LoadClient } from './load-client.ts'
import { quantile, type Figures, type Scenario } from './scenario.ts'
import { signals } from './signals.ts'
import { cpuMs, residentBytes, startSubject, writtenBytes, type Subject } from './subject.ts'
import { pause, typeSteadily } from './typists.ts'

type Load = {
  readonly documents: number
  readonly clientsEach: number
  readonly writersEach: number
  /** Keystrokes a second of one writer. */
  readonly rate: number
  readonly seconds: number
}

async function typing(subject: Subject, load: Load): Promise<Figures> {
  const clockwork = new Clockwork()
  const clients = Array.from({ length: load.documents * load.clientsEach }, (_, i) => {
    const name = `bench/${Math.floor(i / load.clientsEach)}`
    const { token } = subject
    return new LoadClient(subject.syncUrl, name, { token, clockwork, id: i })
  })
  await Promise.all(clients.map(client => client.whenSynced))
  const writers = clients.filter((_, i) => i % load.clientsEach < load.writersEach)
  const typists = typeSteadily(writers, load.rate)
  // Code is compiled, threads are started, the first snapshots are made.
  await pause(12_000)
  clockwork.isMeasuring = true
  const cpuBefore = cpuMs(subject.pid)
  const startedAt = performance.now()
  await pause(load.seconds * 1000)
  const cpu = cpuMs(subject.pid) - cpuBefore
  const elapsedMs = performance.now() - startedAt
  clockwork.isMeasuring = false
  typists.stop()
  for (const client of clients) client.close()
  return {
    'CPU per delivered update, µs': (cpu * 1000) / clockwork.deliveries,
    'CPU of one core, %': (cpu / elapsedMs) * 100,
    'delivered updates/s': clockwork.deliveries / (elapsedMs / 1000),
    'delivery p50, ms': quantile(clockwork.deliveryMs, 0.5),
    'delivery p99, ms': quantile(clockwork.deliveryMs, 0.99),
    'acknowledgement p50, ms': quantile(clockwork.acknowledgeMs, 0.5),
    'acknowledgement p99, ms': quantile(clockwork.acknowledgeMs, 0.99),
  }
}

type Crowd = {
  readonly people: number
  /** Left out: all of them. */
  readonly moving?: number
}

/** A crowd is on one document, some move their cursors, and two people type into it. */
async function crowd(subject: Subject, { people, moving = people }: Crowd): Promise<Figures> {
  const { syncUrl, token } = subject
  const [clockwork, moves] = [new Clockwork(), new Moves()]
  const typists = [1, 2].map(id => new LoadClient(syncUrl, 'bench/crowd', { token, clockwork, id }))
  await Promise.all(typists.map(typist => typist.whenSynced))
  const movers: Mover[] = []
  // One address opens no more sockets at once.
  while (movers.length < people) {
    const next = Array.from({ length: Math.min(50, people - movers.length) }, (_, i) => {
      const id = 1_000 + movers.length + i
      return new Mover(syncUrl, { token, id, moves, looks: id === 1_000 })
    })
    await Promise.all(next.map(mover => mover.whenThere))
    movers.push(...next)
  }
  for (const mover of movers) mover.move()
  // Everybody has heard of everybody.
  await pause(people * 3)
  const keystrokes = typeSteadily(typists, 10)
  const stopMoving = moveSteadily(movers.slice(0, moving), 20)
  await pause(5_000)
  clockwork.isMeasuring = true
  moves.isMeasuring = true
  const cpuBefore = cpuMs(subject.pid)
  const startedAt = performance.now()
  await pause(10_000)
  const elapsedMs = performance.now() - startedAt
  const cpu = cpuMs(subject.pid) - cpuBefore
  clockwork.isMeasuring = false
  moves.isMeasuring = false
  stopMoving()
  keystrokes.stop()
  for (const one of [...typists, ...movers]) one.close()
  const seconds = elapsedMs / 1000
  return {
    'CPU of one core, %': (cpu / elapsedMs) * 100,
    'CPU per state that a client sees, µs': (cpu * 1000) / (moves.statesSeen * people),
    'frames of presence to one client/s': moves.framesSeen / people / seconds,
    'bytes of presence to one client/s': moves.bytesSeen / people / seconds,
    'states seen by one client/s': moves.statesSeen / seconds,
    'a move is seen after, p50, ms': quantile(moves.seenMs, 0.5),
    'a move is seen after, p99, ms': quantile(moves.seenMs, 0.99),
    'keystrokes delivered/s': clockwork.deliveries / seconds,
    'a keystroke arrives after, p50, ms': quantile(clockwork.deliveryMs, 0.5),
    'a keystroke arrives after, p99, ms': quantile(clockwork.deliveryMs, 0.99),
  }
}

/** One person types into a document of a megabyte. */
async function largeDocument(subject: Subject): Promise<Figures> {
  const keystrokes = 250
  const clockwork = new Clockwork()
  const { token } = subject
  const writer = new LoadClient(subject.syncUrl, 'large', { token, clockwork, id: 1 })
  await writer.whenSynced
  for (let i = 0; i < 4; i++) writer.paste('lorem ipsum dolor '.repeat(14_600))
  // Both stores have come to rest: the peer writes behind, weft folds behind.
  await pause(5_000)
  const storedBefore = await subject.storedBytes()
  const writtenBefore = writtenBytes(subject.pid)
  for (let i = 0; i < keystrokes; i++) {
    writer.type()
    await pause(100)
  }
  await pause(5_000)
  const stored = (await subject.storedBytes()) - storedBefore
  const written = writtenBytes(subject.pid) - writtenBefore
  writer.close()
  return {
    'stored per keystroke, bytes': stored / keystrokes,
    'written to the disk per keystroke, bytes': written / keystrokes,
  }
}

/** A thousand people with a document open, reading. */
async function idle(subject: Subject): Promise<Figures> {
  const connections = 1_000
  const clockwork = new Clockwork()
  const { token } = subject
  const open = async (from: number, count: number) => {
    const clients = Array.from({ length: count }, (_, i) => {
      const name = `idle/${(from + i) % 100}`
      return new LoadClient(subject.syncUrl, name, { token, clockwork, id: from + i })
    })
    await Promise.all(clients.map(client => client.whenSynced))
    return clients
  }
  // The documents themselves, and the server's own growth with its first clients, do not count.
  const first = await open(0, 100)
  await pause(3_000)
  const before = residentBytes(subject.pid)
  const clients = [...first]
  for (let i = 0; i < connections; i += 100) clients.push(...(await open(i + 100, 100)))
  await pause(3_000)
  const grown = residentBytes(subject.pid) - before
  for (const client of clients) client.close()
  return { 'memory per connection, kB': grown / connections / 1000 }
}

export const oneNodeScenarios: readonly Scenario[] = [
  onOne('1 document, 100 clients, 10 writers at 10/s', subject =>
    typing(subject, { documents: 1, clientsEach: 100, writersEach: 10, rate: 10, seconds: 10 }),
  ),
  onOne('200 cursors at 20/s on 1 document, 2 writers at 10/s', subject =>
    crowd(subject, { people: 200 }),
  ),
  onOne('50 cursors at 20/s on 1 document, 2 writers at 10/s', subject =>
    crowd(subject, { people: 50 }),
  ),
  onOne('1,500 present on 1 document, 20 cursors at 20/s, 2 writers at 10/s', subject =>
    crowd(subject, { people: 1_500, moving: 20 }),
  ),
  onOne('50 documents of 2 clients, 10/s each', subject =>
    typing(subject, { documents: 50, clientsEach: 2, writersEach: 2, rate: 10, seconds: 10 }),
  ),
  onOne('signals: 50 documents of 2 clients, 50/s each', subject =>
    signals(subject, { documents: 50, clientsEach: 2, rate: 50, seconds: 10 }),
  ),
  onOne('a document of 1 MB, one writer at 10/s', largeDocument),
  onOne('1,000 connections on 100 documents', idle),
]

function onOne(name: string, run: (subject: Subject) => Promise<Figures>): Scenario {
  const measure: Scenario['measure'] = async subjectName => {
    const subject = await startSubject(subjectName)
    try {
      return await run(subject)
    } finally {
      await subject.stop()
    }
  }
  return { name, measure }
}
