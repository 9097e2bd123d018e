/** The one composition root: builds every part in order and hands each its neighbours. */
import type * as Y from 'yjs'
import { openAccess } from './app-access.ts'
import { anchorFile, openStore } from './app-database.ts'
import { createEdge } from './app-edge.ts'
import { fanoutReport, openFanout } from './app-fanout.ts'
import { journalReport, openJournal } from './app-journal.ts'
import { openPresence } from './app-presence.ts'
import type { AppHooks } from './app-signals.ts'
import { createSockets } from './app-sockets.ts'
import { openSpaces } from './app-spaces.ts'
import { systemClock, type Clock } from '../shared/clock.ts'
import { documentName } from '../shared/names.ts'
import { systemRandom, type Random } from '../shared/random.ts'
import { Audit } from './audit/audit.ts'
import { createBreakers, type Breakers } from './base/breaker.ts'
import { createHealth } from './base/health.ts'
import { createLifeCycle, type Part, type StopReport } from './base/life-cycle.ts'
import type { Logger } from './base/log.ts'
import { createMetrics, type Metrics } from './base/metrics.ts'
import { Supervisor } from './base/supervise.ts'
import type { Config } from './config.ts'
import type { DocumentHooks } from './documents/document-hooks.ts'
import { Documents } from './documents/documents.ts'
import type { Edit, EditReceipt } from './documents/edits.ts'
import type { Fanout } from './fanout/fanout.ts'
import { Openings } from './documents/openings.ts'
import { createFolder, type Folder } from './journal/folder.ts'
import type { Journal } from './journal/journal.ts'
import { listen } from './rest/http-server.ts'
import { createRest } from './rest/rest.ts'
import { Control } from './transport/control.ts'
import type { Whom } from './transport/rooms.ts'

/** What a test may put in the place of the real part. */
export type AppParts = {
  readonly clock?: Clock
  readonly random?: Random
  /** Around or instead of the journal that the settings ask for. */
  readonly wrapJournal?: (journal: Journal) => Journal
  /** Instead of the fan-out that the settings ask for; it is closed together with the server. */
  readonly fanout?: Fanout
  /** What the application adds to the life of documents, and which signals it has. */
  readonly hooks?: AppHooks
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
  /** Ends sessions on all nodes; returns how many there were on this one. They may come back. */
  disconnect(whom: Whom): number
  readonly metrics: Metrics
  /** Resolves with a reason when a part failed so that only a new start can mend it. */
  readonly broken: Promise<string>
  /** Stops within `timeoutMs`; answers what could not be finished, one sentence each. */
  stop(timeoutMs?: number): Promise<StopReport>
}

export async function startApp(config: Config, log: Logger, parts: AppParts = {}): Promise<App> {
  const { clock = systemClock, random = systemRandom, hooks = {} } = parts
  const metrics = createMetrics()
  const health = createHealth()
  const lifeCycle = createLifeCycle(clock, log)
  const breakers = createAppBreakers(config, { clock, log, metrics })

  const stored = await openJournal(config, { clock, log, metrics, breakers })
  const journal = parts.wrapJournal?.(stored) ?? stored
  const { database, broken: databaseBroken } = openStore(config, breakers)
  const broken = Promise.race([databaseBroken, journalBroken(journal)])
  health.register('journal', () => journalReport(journal))
  metrics.levels.queuedEntries = () => journal.health().queuedEntries

  const audit = new Audit({ database, anchors: anchorFile(config), clock, log, metrics })

  const bus = parts.fanout ?? openFanout(config, { clock, random, log, breakers })
  health.register('fanout', () => fanoutReport(bus))
  metrics.levels.fanout = () => bus.health()
  // Where one server has the store for itself there is nobody to tell.
  const fanout = journal.writers === 'shared' ? bus : undefined

  const folder = createFolder()
  const tools = { clock, random, log, metrics }
  const documents = createDocuments(config, { ...tools, journal, fanout, folder, hooks })
  metrics.levels.unsavedDocuments = () => documents.unsaved.documents

  const access = await openAccess(config, { ...tools, breakers, database, audit, fanout })
  const { gatekeeper } = access
  const openings = createOpenings(config, { documents, clock, metrics })
  const edge = createEdge(config, { clock, metrics })
  const doors = { documents, openings, gatekeeper, edge, clock, log, metrics }
  const presence = openPresence(config, { ...doors, random, database, fanout, hooks })
  const spaces = openSpaces({ ...tools, access, audit, documents, people: presence.people })
  const sockets = createSockets(config, { ...doors, ...presence, random, fanout })
  const control = new Control({ rooms: presence.rooms, fanout, log, metrics })

  const rest = createRest({
    ...doors,
    ...access,
    audit,
    presence,
    spaces,
    health,
    breakers,
    disconnect: whom => control.disconnect(whom),
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

  // They stop from the last to the first. Nobody comes in any more, and what is there is stored
  // while its authors can still be told; then they are sent off, and all else is taken down. What
  // is stored last is told to the other nodes too.
  lifeCycle.add(closing('journal', journal))
  lifeCycle.add(closing('database', database))
  lifeCycle.add({ name: 'audit', stop: signal => audit.close(signal) })
  lifeCycle.add(closing('fanout', bus))
  lifeCycle.add(closing('folder', folder))
  lifeCycle.add({ name: 'access', stop: () => access.stop() })
  lifeCycle.add({ name: 'documents', stop: signal => documents.stop(signal) })
  lifeCycle.add({ name: 'presence', stop: () => presence.stop() })
  lifeCycle.add({ name: 'control', stop: () => control.close() })
  lifeCycle.add({ name: 'http', stop: () => http.stop() })
  lifeCycle.add({ name: 'sockets', stop: signal => sockets.stop(signal) })
  lifeCycle.add({ name: 'edits', stop: signal => documents.flush(signal) })
  lifeCycle.add({ name: 'openings', stop: () => openings.stop() })
  lifeCycle.add({ name: 'door', stop: () => sockets.refuseNew() })

  return {
    url: http.url,
    documents,
    edit: (name, { id, ...conditions }, change) =>
      documents.edit(documentName(name), { ...conditions, author: id, change, create: true }),
    disconnect: whom => control.disconnect(whom),
    metrics,
    broken,
    stop: (timeoutMs = config.WEFT_DRAIN_TIMEOUT_MS) => lifeCycle.stop(timeoutMs),
  }
}

function createAppBreakers(config: Config, tools: Tools): Breakers {
  return createBreakers({
    ...tools,
    failures: config.WEFT_BREAKER_FAILURES,
    resetMs: config.WEFT_BREAKER_RESET_MS,
  })
}

function journalBroken(journal: Journal): Promise<string> {
  return new Promise(resolve => journal.onBroken(resolve))
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

type OpeningParts = Omit<Tools, 'log'> & { readonly documents: Documents }

function createOpenings(config: Config, parts: OpeningParts): Openings {
  return new Openings({
    ...parts,
    documentsMax: config.WEFT_MAX_DOCUMENTS_PER_USER,
    loadsPerSecond: config.WEFT_MAX_LOADS_PER_SECOND,
  })
}

type DocumentParts = Tools & {
  readonly journal: Journal
  readonly fanout: Fanout | undefined
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
    recovery: config.WEFT_RECOVERY === '1' ? 'always' : 'after a crash',
    supervisor: new Supervisor({ ...parts, timeoutMs: config.WEFT_HOOK_TIMEOUT_MS }),
  })
}
