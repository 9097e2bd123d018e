/** The one composition root: builds every part in order and hands each its neighbours. */
import type * as Y from 'yjs'
import { systemClock, type Clock } from '../shared/clock.ts'
import { documentName, type DocumentName } from '../shared/names.ts'
import { systemRandom, type Random } from '../shared/random.ts'
import { createGatekeeper } from './access/gatekeeper.ts'
import { createTokenMint, developmentSecret } from './access/token-mint.ts'
import { createTokenVerifier, type TokenKeys } from './access/token-verifier.ts'
import { createHealth, type HealthReport } from './base/health.ts'
import { createLifeCycle, type StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import { createMetrics, type Metrics } from './base/metrics.ts'
import { Supervisor } from './base/supervise.ts'
import type { Config } from './config.ts'
import { migratePostgres } from './database/postgres-database.ts'
import { migrateSqliteFile } from './database/sqlite-database.ts'
import type { DocumentHooks } from './documents/document-hooks.ts'
import { Documents } from './documents/documents.ts'
import type { Edit, EditReceipt } from './documents/edits.ts'
import { Openings } from './documents/openings.ts'
import { createFolder, type Folder } from './journal/folder.ts'
import type { CommitReport } from './journal/group-commit.ts'
import type { Damage, Journal } from './journal/journal.ts'
import { openPostgresJournal } from './journal/postgres/postgres-journal.ts'
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

  const stored = await openJournal(config, { clock, log, metrics })
  const journal = parts.wrapJournal?.(stored) ?? stored
  const broken = new Promise<string>(resolve => journal.onBroken(resolve))
  health.register('journal', () => journalReport(journal))
  metrics.levels.queuedEntries = () => journal.health().queuedEntries
  lifeCycle.add({
    name: 'journal',
    stop: async () => {
      await journal.close()
      return []
    },
  })

  const folder = createFolder()
  lifeCycle.add({
    name: 'folder',
    stop: async () => {
      await folder.close()
      return []
    },
  })

  const hooks = parts.hooks ?? {}
  const documents = createDocuments(config, { journal, folder, clock, random, log, metrics, hooks })
  metrics.levels.unsavedDocuments = () => documents.unsaved.documents
  lifeCycle.add({ name: 'documents', stop: signal => documents.stop(signal) })

  const { gatekeeper, mint } = createAccess(config, clock)
  const openings = createOpenings(config, { documents, clock, metrics })
  const doors = { documents, openings, gatekeeper, clock, log, metrics }
  const sockets = createSockets(config, { ...doors, random })
  lifeCycle.add({ name: 'sockets', stop: signal => sockets.stop(signal) })

  const rest = createRest({
    ...doors,
    health,
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
  lifeCycle.add({ name: 'openings', stop: () => openings.stop() })

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

type Tools = { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics }

function openJournal(config: Config, { clock, log, metrics }: Tools): Promise<Journal> {
  const common = {
    clock,
    queueEntriesMax: config.WEFT_JOURNAL_QUEUE_ENTRIES,
    queueBytesMax: config.WEFT_MAX_UNSAVED_BYTES,
    batchBytesMax: config.WEFT_JOURNAL_BATCH_BYTES,
    paceMs: config.WEFT_COMMIT_PACE_MS,
    onCommit({ outcome, entries, bytes, tookMs }: CommitReport) {
      metrics.journalCommits.inc({ outcome })
      metrics.journalCommitSeconds.observe(tookMs / 1000)
      if (outcome === 'failed') return
      metrics.journalEntries.inc(entries)
      metrics.journalBytes.inc(bytes)
    },
    onDamage(name: DocumentName, { kind, seq, sentence }: Damage) {
      metrics.journalDamage.inc({ kind })
      log.error({ document: name, kind, seq }, `damage in the store: ${sentence}`)
    },
  }
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  if (url === undefined) {
    const migrate = () => migrateSqliteFile(sqliteFiles(dataDir).database)
    return openSqliteJournal({ ...common, dataDir, migrate })
  }
  return openPostgresJournal({
    ...common,
    url,
    poolMax: config.WEFT_DATABASE_POOL,
    timeoutMs: config.WEFT_DATABASE_TIMEOUT_MS,
    migrate: () => migratePostgres(url),
  })
}

function journalReport(journal: Journal): HealthReport {
  const { state, queuedEntries, queuedBytes } = journal.health()
  const queue = { queuedEntries, queuedBytes }
  if (state.kind === 'ok') return { status: 'ok', ...queue }
  return { status: 'down', reason: state.reason, ...queue }
}

function createAccess(config: Config, clock: Clock) {
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
  const verifier = createTokenVerifier({ keys, issuer, audience, clock })
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

type OpeningParts = Omit<Tools, 'log'> & { readonly documents: Documents }

function createOpenings(config: Config, parts: OpeningParts): Openings {
  return new Openings({
    ...parts,
    documentsMax: config.WEFT_MAX_DOCUMENTS_PER_USER,
    loadsPerSecond: config.WEFT_MAX_LOADS_PER_SECOND,
  })
}

type SocketParts = Tools & {
  readonly random: Random
  readonly documents: Documents
  readonly openings: Openings
  readonly gatekeeper: ReturnType<typeof createGatekeeper>
}

function createSockets(config: Config, parts: SocketParts): Sockets {
  const { clock, random, log, metrics } = parts
  const pingIntervalMs = config.WEFT_PING_INTERVAL_MS
  const door = new DocumentDoor({
    ...parts,
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
