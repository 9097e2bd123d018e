/** The one composition root: builds every part in order and hands each its neighbours. */
import type * as Y from 'yjs'
import { systemClock, type Clock } from '../shared/clock.ts'
import { documentName } from '../shared/names.ts'
import { systemRandom, type Random } from '../shared/random.ts'
import { createGatekeeper } from './access/gatekeeper.ts'
import { createTokenMint, developmentSecret } from './access/token-mint.ts'
import { createTokenVerifier, type TokenKeys } from './access/token-verifier.ts'
import { createBreakers, type Breakers } from './base/breaker.ts'
import { createHealth, type HealthReport } from './base/health.ts'
import { createLifeCycle, type Part, type StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import { createMetrics, type Metrics } from './base/metrics.ts'
import { Supervisor } from './base/supervise.ts'
import type { Config } from './config.ts'
import { migrateSqliteFile } from './database/sqlite-database.ts'
import type { DocumentHooks } from './documents/document-hooks.ts'
import { Documents } from './documents/documents.ts'
import type { Edit, EditReceipt } from './documents/edits.ts'
import type { Fanout } from './fanout/fanout.ts'
import { createLocalFanout } from './fanout/local-fanout.ts'
import { createRedisFanout } from './fanout/redis/redis-fanout.ts'
import { createFolder, type Folder } from './journal/folder.ts'
import type { Journal } from './journal/journal.ts'
import { sqliteFiles } from './journal/sqlite/sqlite-files.ts'
import { openSqliteJournal } from './journal/sqlite/sqlite-journal.ts'
import { listen } from './rest/http-server.ts'
import { createRest } from './rest/rest.ts'
import { DocumentDoor } from './transport/document-door.ts'
import { createRooms } from './transport/rooms.ts'
import { Sockets } from './transport/sockets.ts'

/** What a test may put in the place of the real part. */
export type AppParts = {
  readonly clock?: Clock
  readonly random?: Random
  /** Around or instead of the journal that the settings ask for. */
  readonly wrapJournal?: (journal: Journal) => Journal
  /** Instead of the fan-out that the settings ask for; it is closed together with the server. */
  readonly fanout?: Fanout
  /** What the application adds to the life of documents. */
  readonly hooks?: DocumentHooks
  /** Folder of the built pages; none are served without it. */
  readonly pagesDir?: string | undefined
}

export type App = {
  /** Where it listens, as people write it. */
  readonly url: string
  readonly documents: Documents
  /**
   * Changes a document in code, as the REST routes do: stored first, then seen. `change` must not
   * wait; what it throws is passed on, and nothing has happened. Missing documents are created.
   */
  edit<T>(
    name: string,
    actor: { readonly id: string } & Pick<Edit<T>, 'ifMatch' | 'request'>,
    change: (doc: Y.Doc) => T,
  ): Promise<EditReceipt<T>>
  readonly metrics: Metrics
  /** Resolves with a reason when a part failed so that only a new start can mend it. */
  readonly broken: Promise<string>
  /** Stops within `timeoutMs`; answers what could not be finished, one sentence each. */
  stop(timeoutMs?: number): Promise<StopReport>
}

export async function startApp(config: Config, log: Logger, parts: AppParts = {}): Promise<App> {
  const { clock = systemClock, random = systemRandom } = parts
  const metrics = createMetrics()
  const health = createHealth()
  const lifeCycle = createLifeCycle(clock, log)

  const breakers = createBreakers({
    clock,
    log,
    metrics,
    failures: config.WEFT_BREAKER_FAILURES,
    resetMs: config.WEFT_BREAKER_RESET_MS,
  })

  const stored = await openJournal(config, { clock, log, metrics })
  const journal = parts.wrapJournal?.(stored) ?? stored
  const broken = new Promise<string>(resolve => journal.onBroken(resolve))
  health.register('journal', () => journalReport(journal))
  metrics.levels.queuedEntries = () => journal.health().queuedEntries
  lifeCycle.add(closing('journal', journal))

  const fanout = parts.fanout ?? openFanout(config, { clock, random, log, breakers })
  health.register('fanout', () => fanoutReport(fanout))
  metrics.levels.fanout = () => fanout.health()
  // It stops after the documents: what they store last is told too.
  lifeCycle.add(closing('fanout', fanout))

  const folder = createFolder()
  lifeCycle.add(closing('folder', folder))

  const hooks = parts.hooks ?? {}
  const documents = createDocuments(config, { journal, folder, clock, random, log, metrics, hooks })
  metrics.levels.unsavedDocuments = () => documents.unsaved.documents
  lifeCycle.add({ name: 'documents', stop: signal => documents.stop(signal) })

  const { gatekeeper, mint } = createAccess(config, clock, breakers)
  const sockets = createSockets(config, { documents, gatekeeper, clock, random, log, metrics })
  lifeCycle.add({ name: 'sockets', stop: signal => sockets.stop(signal) })

  const rest = createRest({
    documents,
    gatekeeper,
    health,
    breakers,
    metrics,
    log,
    mint,
    bodyBytesMax: config.WEFT_MAX_FRAME_BYTES,
    isAccepting: () => !lifeCycle.stopping,
    pagesDir: parts.pagesDir,
  })
  const http = await listen({
    host: config.WEFT_HOST,
    port: config.WEFT_PORT,
    rest,
    onUpgrade: (request, stream, head) => sockets.upgrade(request, stream, head),
  })
  lifeCycle.add({ name: 'http', stop: () => http.stop() })

  return {
    url: http.url,
    documents,
    edit: (name, { id, ...conditions }, change) =>
      documents.edit(documentName(name), { ...conditions, author: id, change, create: true }),
    metrics,
    broken,
    stop: (timeoutMs = config.WEFT_DRAIN_TIMEOUT_MS) => lifeCycle.stop(timeoutMs),
  }
}

function closing(name: string, part: { close(): Promise<void> }): Part {
  return {
    name,
    async stop() {
      await part.close()
      return []
    },
  }
}

type Tools = { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics }

function openJournal(config: Config, { clock, log, metrics }: Tools): Promise<Journal> {
  const dataDir = config.WEFT_DATA_DIR
  return openSqliteJournal({
    dataDir,
    clock,
    queueEntriesMax: config.WEFT_JOURNAL_QUEUE_ENTRIES,
    queueBytesMax: config.WEFT_MAX_UNSAVED_BYTES,
    batchBytesMax: config.WEFT_JOURNAL_BATCH_BYTES,
    paceMs: config.WEFT_COMMIT_PACE_MS,
    migrate: () => migrateSqliteFile(sqliteFiles(dataDir).database),
    onCommit({ outcome, entries, bytes, tookMs }) {
      metrics.journalCommits.inc({ outcome })
      metrics.journalCommitSeconds.observe(tookMs / 1000)
      if (outcome === 'failed') return
      metrics.journalEntries.inc(entries)
      metrics.journalBytes.inc(bytes)
    },
    onDamage(name, { kind, seq, sentence }) {
      metrics.journalDamage.inc({ kind })
      log.error({ document: name, kind, seq }, `damage in the store: ${sentence}`)
    },
  })
}

function journalReport(journal: Journal): HealthReport {
  const { state, queuedEntries, queuedBytes } = journal.health()
  const queue = { queuedEntries, queuedBytes }
  if (state.kind === 'ok') return { status: 'ok', ...queue }
  return { status: 'down', reason: state.reason, ...queue }
}

type FanoutParts = Omit<Tools, 'metrics'> & {
  readonly random: Random
  readonly breakers: Breakers
}

function openFanout(config: Config, { breakers, ...tools }: FanoutParts): Fanout {
  const url = config.WEFT_REDIS_URL
  if (url === undefined) return createLocalFanout(tools)
  return createRedisFanout({
    ...tools,
    url,
    prefix: config.WEFT_REDIS_PREFIX,
    secret: config.WEFT_REDIS_SECRET,
    // A probe is one connection, and while it waits the nodes do not hear each other.
    guard: breakers.breaker('redis', { resetMs: REDIS_RESET_MS_MAX }).run,
  })
}

const REDIS_RESET_MS_MAX = 1_000

/** Never worse than degraded: without the others this node still takes edits and stores them. */
function fanoutReport(fanout: Fanout): HealthReport {
  const { link, reason = 'the link is down', ...counts } = fanout.health()
  const nodes = fanout.nodes().length + 1
  if (link === 'up') return { status: 'ok', link, nodes, ...counts }
  return { status: 'degraded', reason, link, nodes, ...counts }
}

function createAccess(config: Config, clock: Clock, breakers: Breakers) {
  const issuer = config.WEFT_JWT_ISSUER
  const audience = config.WEFT_JWT_AUDIENCE
  const keys: TokenKeys[] = []
  if (config.WEFT_JWT_SECRET !== undefined) {
    keys.push({ kind: 'secret', secret: config.WEFT_JWT_SECRET })
  }
  if (config.WEFT_JWKS_URL !== undefined) keys.push({ kind: 'jwks', url: config.WEFT_JWKS_URL })
  let mint
  if (config.devMode) {
    const secret = config.WEFT_JWT_SECRET ?? developmentSecret(config.WEFT_DATA_DIR)
    mint = createTokenMint({ secret, issuer, audience, clock })
    if (config.WEFT_JWT_SECRET === undefined) keys.push({ kind: 'secret', secret })
  }
  const guard = config.WEFT_JWKS_URL === undefined ? undefined : breakers.breaker('jwks').run
  const verifier = createTokenVerifier({ keys, issuer, audience, clock, guard })
  return { gatekeeper: createGatekeeper(verifier, clock), mint }
}

type DocumentParts = Tools & {
  readonly journal: Journal
  readonly folder: Folder
  readonly random: Random
  readonly hooks: DocumentHooks
}

function createDocuments(config: Config, parts: DocumentParts): Documents {
  return new Documents({
    ...parts,
    limits: {
      updateBytesMax: config.WEFT_MAX_UPDATE_BYTES,
      stateBytesMax: config.WEFT_MAX_FRAME_BYTES,
      documentBytesMax: config.WEFT_MAX_DOCUMENT_BYTES,
      notSavingAfterMs: config.WEFT_NOT_SAVING_AFTER_MS,
    },
    compaction: {
      entriesMin: config.WEFT_SNAPSHOT_ENTRIES,
      bytesMin: config.WEFT_SNAPSHOT_BYTES,
    },
    idleMs: config.WEFT_DOCUMENT_IDLE_MS,
    unsavedBytesMax: config.WEFT_MAX_UNSAVED_BYTES,
    supervisor: new Supervisor({ ...parts, timeoutMs: config.WEFT_HOOK_TIMEOUT_MS }),
  })
}

type SocketParts = Tools & {
  readonly random: Random
  readonly documents: Documents
  readonly gatekeeper: ReturnType<typeof createGatekeeper>
}

function createSockets(config: Config, parts: SocketParts): Sockets {
  const { documents, gatekeeper, clock, random, log, metrics } = parts
  const pingIntervalMs = config.WEFT_PING_INTERVAL_MS
  const door = new DocumentDoor({
    documents,
    gatekeeper,
    clock,
    metrics,
    rooms: createRooms({ limits: { stateBytesMax: config.WEFT_MAX_AWARENESS_BYTES }, clock }),
    terms: {
      limits: {
        updateBytes: config.WEFT_MAX_UPDATE_BYTES,
        frameBytes: config.WEFT_MAX_FRAME_BYTES,
      },
      pingIntervalMs,
    },
  })
  return new Sockets({
    door,
    origins: { allowed: config.WEFT_ORIGINS, anyLoopback: config.loopback },
    clock,
    random,
    log,
    metrics,
    limits: {
      frameBytesMax: config.WEFT_MAX_FRAME_BYTES,
      lagBytes: config.WEFT_LAG_BYTES,
      sendBytesMax: config.WEFT_MAX_SEND_BYTES,
      connectionsMax: config.WEFT_MAX_CONNECTIONS,
      unknownMax: config.WEFT_MAX_UNAUTHENTICATED,
      unknownPerAddressMax: config.WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS,
      documentsMax: config.WEFT_MAX_DOCUMENTS_PER_CONNECTION,
      queueBytesMax: config.WEFT_MAX_QUEUE_BYTES,
      authTimeoutMs: config.WEFT_AUTH_TIMEOUT_MS,
      pingIntervalMs,
    },
  })
}
