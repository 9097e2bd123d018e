/** One run of a server process, without sockets and disks of its own: from its start to its crash. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { Supervisor } from '../../server/base/supervise.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import { every, sleep } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { Gatekeeper } from '../../server/access/gatekeeper.ts'
import { createMetrics } from '../../server/base/metrics.ts'
import { Documents } from '../../server/documents/documents.ts'
import type { LiveDocument } from '../../server/documents/live-document.ts'
import { Paces, type PaceLimits } from '../../server/edge/pace.ts'
import { Openings } from '../../server/documents/openings.ts'
import { Signals } from '../../server/features/signals/signals.ts'
import { fold } from '../../server/journal/fold.ts'
import type { Folder } from '../../server/journal/folder.ts'
import { ClientSocket } from '../../server/transport/client-socket.ts'
import {
  DocumentDoor,
  type DocumentDoorOptions,
  type EnterRequest,
} from '../../server/transport/document-door.ts'
import { HocuspocusConnection } from '../../server/transport/hocuspocus/hocuspocus-connection.ts'
import { Lobby } from '../../server/transport/hocuspocus/lobby.ts'
import { createRooms } from '../../server/transport/rooms.ts'
import type { SyncSession } from '../../server/transport/sync-session.ts'
import { TurnFlusher } from '../../server/transport/turn-flusher.ts'
import type { Disk } from './disk.ts'
import type { EventLog } from './event-log.ts'
import type { Listener, ServerEnd } from './network.ts'
import { Scope, type Schedule } from './schedule.ts'

export const UNSAVED_BYTES_MAX = 16 << 10
/** So small that a few edits fill it. */
const QUEUE_BYTES_MAX = 2 << 10
const PING_INTERVAL_MS = 5_000
/** As in a real server, by its defaults. */
const PACE: PaceLimits = {
  frames: { perSecond: 100, burst: 1_000 },
  bytes: { perSecond: 2 << 20, burst: 16 << 20 },
}

/** One for all runs: the metrics of Node itself watch the process, and are never let go. */
const metrics = createMetrics()

export type SimServerOptions = {
  readonly name: string
  readonly schedule: Schedule
  readonly disk: Disk
  readonly random: Random
  readonly log: EventLog
  /** How long a document without clients stays in memory. */
  readonly idleMs: number
  /** Told of anything that no program should say. */
  readonly onBug: (sentence: string) => void
}

export class SimServer implements Listener {
  readonly scope: Scope
  readonly documents: Documents
  readonly #options: SimServerOptions
  readonly #connections = new Map<HocuspocusConnection, ClientSocket>()
  readonly #lobby = new Lobby()
  readonly #door: DocumentDoor
  readonly #paces: Paces
  readonly #sessions: Sessions = new Map()
  readonly #flusher: TurnFlusher
  readonly #log

  constructor(options: SimServerOptions) {
    const { schedule, disk, name } = options
    this.#options = options
    this.scope = new Scope(name)
    const random = seededRandom(Math.floor(options.random.next() * 2 ** 32))
    const clock = schedule.clock(this.scope)
    this.#log = pino(
      { level: 'info', base: null, timestamp: false },
      new Writable({ write: (line: Buffer, _, done) => done(this.#hear(line.toString())) }),
    )
    const defer = (action: () => void) => void clock.after(0, action)
    this.documents = new Documents({
      hooks: {},
      supervisor: new Supervisor({ clock: clock, log: this.#log, metrics, timeoutMs: 10_000 }),
      journal: disk.mount(this.scope),
      folder: inlineFolder,
      clock,
      random,
      log: this.#log,
      metrics,
      limits: {
        updateBytesMax: 1 << 20,
        stateBytesMax: 4 << 20,
        documentBytesMax: 50 << 20,
        notSavingAfterMs: 3_000,
      },
      compaction: { entriesMin: 20, bytesMin: 4 << 10 },
      idleMs: options.idleMs,
      unsavedBytesMax: UNSAVED_BYTES_MAX,
    })
    this.#flusher = new TurnFlusher(defer)
    this.#door = new WatchedDoor(
      { sessions: this.#sessions, onBug: options.onBug },
      {
        documents: this.documents,
        openings: new Openings({
          documents: this.documents,
          clock,
          metrics,
          documentsMax: 200,
          loadsPerSecond: 20,
        }),
        gatekeeper: new Gatekeeper({
          verifier: {
            // A token is a name; to check it takes a moment, now and then.
            async verify(token) {
              if (random.next() < 0.3) await sleep(clock, integerBetween(random, 0, 5))
              return principalOf(token)
            },
          },
          clock,
        }),
        rooms: createRooms({
          limits: { stateBytesMax: 4_096 },
          presenceIntervalMs: 50,
          clock,
          metrics,
          defer,
        }),
        signals: new Signals({
          tellHere: () => 0,
          hooks: {},
          limits: { bytesMax: 4_096, perSecond: 20 },
          fanout: undefined,
          clock,
          random,
          log: this.#log,
          metrics,
        }),
        terms: {
          limits: { updateBytes: 1 << 20, frameBytes: 4 << 20 },
          pingIntervalMs: PING_INTERVAL_MS,
        },
        clock,
        metrics,
      },
    )
    this.#paces = new Paces({
      connection: PACE,
      document: PACE,
      overMaxMs: 30_000,
      clock,
      metrics,
    })
    every(clock, PING_INTERVAL_MS, () => this.#ping())
  }

  accept(end: ServerEnd): void {
    const clock = this.#options.schedule.clock(this.scope)
    const socket = new ClientSocket({
      webSocket: end.webSocket,
      stream: end.stream,
      protocol: 'hocuspocus',
      limits: {
        frameBytesMax: 4 << 20,
        lagBytes: 1 << 20,
        sendBytesMax: 8 << 20,
        queueBytesMax: QUEUE_BYTES_MAX,
      },
      flusher: this.#flusher,
      paces: this.#paces,
      clock,
      log: this.#log,
      metrics,
    })
    const connection: HocuspocusConnection = new HocuspocusConnection({
      socket,
      lobby: this.#lobby,
      door: this.#door,
      situation: { address: null },
      clock,
      metrics,
      limits: {
        documentsMax: 50,
        queueBytesMax: QUEUE_BYTES_MAX,
        messageBytesMax: 8 << 10,
        authTimeoutMs: 10_000,
      },
      schema: undefined,
      onAuthenticated: () => {},
      onClose: () => void this.#connections.delete(connection),
    })
    this.#connections.set(connection, socket)
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  live(name: DocumentName): LiveDocument | undefined {
    return this.documents.peek(name)
  }

  /** Ends a document for one of those who have it open, and nothing else on their socket. */
  kick(name: DocumentName): void {
    const there = [...this.#sessions].filter(([, document]) => document === name)
    if (there.length === 0) return
    const error = new WeftError('SLOW_DOWN', 'injected: kicked', { retryAfterMs: 100 })
    pick(this.#options.random, there)[0].end(error)
  }

  /** From one event to the next it is not there any more. */
  crash(): void {
    this.scope.kill()
  }

  #ping(): void {
    for (const [connection, socket] of this.#connections) {
      socket.ping()
      connection.keepAlive()
    }
  }

  #hear(line: string): undefined {
    const { name, log, onBug } = this.#options
    const { level, msg, ...rest } = JSON.parse(line) as { level: number; msg: string; err?: object }
    log.add(name, `${msg} ${JSON.stringify(rest)}`)
    // Known errors are logged with their code; anything with a stack was not planned for.
    if (level >= 50 && rest.err !== undefined) onBug(`${name}: ${line}`)
  }
}

type Sessions = Map<SyncSession, DocumentName>

/** The real door, and who went through it. */
class WatchedDoor extends DocumentDoor {
  readonly #sessions: Sessions
  readonly #onBug: (sentence: string) => void
  readonly #documents: () => Documents

  constructor(
    { sessions, onBug }: { sessions: Sessions; onBug: (sentence: string) => void },
    options: DocumentDoorOptions,
  ) {
    super(options)
    this.#sessions = sessions
    this.#onBug = onBug
    this.#documents = () => options.documents
  }

  override enter(request: EnterRequest): SyncSession {
    const session: SyncSession = super.enter({
      ...request,
      onEnd: () => {
        this.#sessions.delete(session)
        request.onEnd()
      },
    })
    const { document } = request.hold
    if (this.#documents().peek(document.name) !== document) {
      this.#onBug(`a client was attached to ${document.name}, which is not in memory`)
    }
    this.#sessions.set(session, document.name)
    return session
  }
}

/** Folds where it stands: a thread would bring real time into the simulation. */
const inlineFolder: Folder = {
  fold: input => Promise.resolve().then(() => fold(input)),
  close: () => Promise.resolve(),
}

function principalOf(id: string) {
  return testPrincipal({ id, grants: [{ resource: '**', role: 'owner' }] })
}
