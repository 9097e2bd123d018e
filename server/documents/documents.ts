/** All documents of this node: each opened once, held while somebody needs it, let go when clean. */
import { backoffMs } from '../../shared/backoff.ts'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import { systemName } from '../../shared/system-names.ts'
import type { Logger } from '../base/log.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Metrics } from '../base/metrics.ts'
import { Compaction, type CompactionLimits } from '../journal/compaction.ts'
import type { Folder } from '../journal/folder.ts'
import type { Creation, DocumentHead, Journal, ListQuery } from '../journal/journal.ts'
import type { Supervisor } from '../base/supervise.ts'
import { documentChannel, encodeDocumentMessage } from '../fanout/document-message.ts'
import type { Fanout } from '../fanout/fanout.ts'
import { CrashRecovery, lastingRecovery, type Recovery } from './client-ids.ts'
import type { DocumentHooks, Seed } from './document-hooks.ts'
import { DocumentEdits, type Edit, type EditReceipt } from './edits.ts'
import { Follower } from './follower.ts'
import { NodeLink } from './node-link.ts'
import { Resident } from './resident.ts'
import { migrateDocument } from './schema-migration.ts'
import { encodeSeed } from './seed.ts'
import type { LiveDocument } from './live-document.ts'
import { UnsavedBudget } from './unsaved.ts'
import type { LiveDocumentLimits } from './update-gate.ts'

export type DocumentsOptions = {
  readonly journal: Journal
  readonly folder: Folder
  /** To other nodes, that write to the same journal; without it they find out from there. */
  readonly fanout?: Fanout | undefined
  /** Runs an action at the end of this turn of the event loop. */
  readonly defer?: (action: () => void) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly limits: LiveDocumentLimits
  readonly compaction: CompactionLimits
  /** How long a document without holders stays. */
  readonly idleMs: number
  /** Over all documents. */
  readonly unsavedBytesMax: number
  readonly hooks: DocumentHooks
  readonly supervisor: Supervisor
  /** When anybody may hand over what others wrote; left out: for a while after a crash. */
  readonly recovery?: 'after a crash' | 'always'
}

/** A hold on a live document; it stays in memory until every hold is released. */
export type DocumentHold = {
  readonly document: LiveDocument
  /** Calling it again does nothing. */
  release(): void
}

export type OpenOptions = {
  /** Who opens it: the creator of a document that is not there yet. */
  readonly by: string
  /** May a name that the store does not know become a document? */
  readonly create: boolean
}

/** A document is never further behind the journal than that, and the time that reading takes. */
const FOLLOW_INTERVAL_MS = 1_000
const RETRY = { minMs: 500, maxMs: 30_000 }

export class Documents {
  readonly #options: DocumentsOptions
  readonly #residents = new Map<DocumentName, Resident>()
  readonly #budget: UnsavedBudget
  readonly #compaction: Compaction
  readonly #edits = new WeakMap<LiveDocument, DocumentEdits>()
  readonly #recovery: Recovery
  readonly #follower: Follower | undefined
  #stopping = false

  constructor(options: DocumentsOptions) {
    const { journal, folder, clock, random, log, metrics } = options
    this.#options = options
    this.#budget = new UnsavedBudget(options.unsavedBytesMax)
    this.#compaction = new Compaction({
      ...options.compaction,
      journal,
      folder,
      clock,
      log,
      onSnapshot: (name, { outcome, bytes }) => {
        metrics.snapshots.inc({ outcome })
        if (outcome === 'put') this.#residents.get(name)?.snapshotPut(bytes)
      },
    })
    this.#recovery = recoveryOf(options)
    this.#follower =
      journal.writers === 'exclusive'
        ? undefined
        : new Follower({
            journal,
            clock,
            random,
            log,
            intervalMs: FOLLOW_INTERVAL_MS,
            documents: () => this.#live(),
          })
  }

  #live(): readonly LiveDocument[] {
    return [...this.#residents.values()].flatMap(({ live }) => live ?? [])
  }

  /**
   * Opens a document, or joins the opening that is on its way. Throws DOCUMENT_NOT_FOUND,
   * DOCUMENT_DELETED, DOCUMENT_DAMAGED, DOCUMENT_UNAVAILABLE (with the time of the next try) or
   * SHUTTING_DOWN.
   */
  async open(name: DocumentName, { by, create }: OpenOptions): Promise<DocumentHold> {
    if (this.#stopping) throw new WeftError('SHUTTING_DOWN', 'the server is shutting down')
    return this.#resident(name).hold(create ? this.#creation(by) : undefined)
  }

  #creation(by: string): Creation {
    const { random, clock, hooks } = this.#options
    const schema = hooks.schema?.version ?? 0
    return { incarnation: random.id(), by, at: clock.now(), afterDeletion: false, schema }
  }

  /** Changes a document: stored first, then seen. Throws what {@link DocumentEdits.run} throws. */
  async edit<T>(
    name: DocumentName,
    edit: Edit<T> & { readonly create?: boolean },
  ): Promise<EditReceipt<T>> {
    const hold = await this.open(name, { by: edit.author, create: edit.create ?? false })
    try {
      return await this.#editsOf(hold.document).run(edit)
    } finally {
      hold.release()
    }
  }

  #editsOf(document: LiveDocument): DocumentEdits {
    const found = this.#edits.get(document)
    if (found !== undefined) return found
    const { journal, clock } = this.#options
    const edits = new DocumentEdits(document, journal, clock)
    this.#edits.set(document, edits)
    return edits
  }

  /**
   * Brings a document up to what a client understands, as far as migrations are registered.
   * Throws HOOK_FAILED when one of them does; nothing has changed then.
   */
  async migrate(document: LiveDocument, schemaMax: number): Promise<void> {
    const { hooks, supervisor, metrics } = this.#options
    if (hooks.schema === undefined) return
    const moved = await migrateDocument(hooks.schema, {
      document,
      edits: this.#editsOf(document),
      supervisor,
      schemaMax,
    })
    if (moved) metrics.migrations.inc()
  }

  /** In memory, or on its way there: opening it reads nothing more. */
  has(name: DocumentName): boolean {
    return this.#residents.has(name)
  }

  /** The live document, if it is in memory; nothing is opened. */
  peek(name: DocumentName): LiveDocument | undefined {
    return this.#residents.get(name)?.live
  }

  /** The stored head; of a live document with what is durable of it now. */
  head(name: DocumentName): Promise<DocumentHead | undefined> {
    return this.#options.journal.head(name)
  }

  list(query: ListQuery): Promise<readonly DocumentHead[]> {
    return this.#options.journal.list(query)
  }

  /** Makes a new document, after a deletion too. `created` is false when it was there already. */
  async create(
    name: DocumentName,
    { by, seed }: { readonly by: string; readonly seed?: Seed | undefined },
  ): Promise<{ readonly head: DocumentHead; readonly created: boolean }> {
    const { journal } = this.#options
    const creation: Creation = { ...this.#creation(by), afterDeletion: true }
    const seeded =
      seed === undefined
        ? await this.#seeded(name, creation)
        : { ...creation, seed: encodeSeed(seed, this.#options.limits) }
    const stored = await journal.open(name, seeded)
    if (stored === undefined) throw new WeftError('INTERNAL', 'the journal made no document')
    return { head: stored.head, created: stored.head.incarnation === creation.incarnation }
  }

  /** The creation with what the application's hook wants the document to begin with. */
  async #seeded(name: DocumentName, creation: Creation): Promise<Creation> {
    const { hooks, supervisor, limits, journal, metrics } = this.#options
    const hook = hooks.seed
    // A space's document has no content, whatever the application gives its own.
    if (hook === undefined || systemName(name)?.kind === 'space') return creation
    const head = await journal.head(name)
    // There already: the hook is for new ones.
    if (head !== undefined && head.deletedAt === null) return creation
    const bytes = await supervisor.required('seed', async () => {
      const seed = await hook(name)
      return seed === undefined ? undefined : encodeSeed(seed, limits)
    })
    if (bytes === undefined) return creation
    metrics.seeds.inc()
    return { ...creation, seed: bytes }
  }

  /** Deletes durably, then ends the live document; undefined when there is nothing to delete. */
  async remove(name: DocumentName, by: string): Promise<DocumentHead | undefined> {
    const { journal, fanout, clock, hooks, supervisor } = this.#options
    // Durable first: a crash between the two lines leaves clients that are refused when they
    // come back. The other order could show them a document that lives on.
    const head = await journal.remove(name, by, clock.now())
    if (head === undefined) return undefined
    this.#residents.get(name)?.delete()
    const { incarnation } = head
    const gone = encodeDocumentMessage({ kind: 'gone', incarnation })
    fanout?.publish(documentChannel(name), gone)
    const { onDelete } = hooks
    supervisor.observe('onDelete', onDelete && (() => onDelete({ name, incarnation })))
    return head
  }

  /** Waits until all that is in the documents now is durable, or time is over. */
  async flush(signal: AbortSignal): Promise<StopReport> {
    if (signal.aborted) return []
    const timeOver = new Promise<void>(resolve => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    // One that ends meanwhile has said why to whom it concerns.
    const stored = this.#live().map(document => document.whenDurable().catch(() => {}))
    await Promise.race([Promise.all(stored), timeOver])
    return []
  }

  /** Waits until everything is durable and lets go of it; names what is not when time is over. */
  async stop(signal: AbortSignal): Promise<StopReport> {
    this.#stopping = true
    const residents = [...this.#residents.values()]
    const left = await Promise.all(residents.map(resident => resident.drain(signal)))
    await this.#follower?.close()
    await this.#compaction.close()
    return left.filter(sentence => sentence !== undefined)
  }

  /** Resolves when no snapshot is being made. For tests and tools. */
  settled(): Promise<void> {
    return this.#compaction.idle()
  }

  get unsaved(): { readonly documents: number; readonly bytes: number } {
    const documents = this.#live().filter(document => !document.isClean).length
    return { documents, bytes: this.#budget.bytes }
  }

  get liveCount(): number {
    return this.#residents.size
  }

  #resident(name: DocumentName): Resident {
    const found = this.#residents.get(name)
    if (found !== undefined) return found
    const { journal, fanout, clock, random, log, metrics, limits, idleMs, hooks, supervisor } =
      this.#options
    const { defer = setImmediate } = this.#options
    const resident: Resident = new Resident({
      name,
      journal,
      clock,
      random,
      log,
      metrics,
      limits,
      idleMs,
      hooks,
      supervisor,
      seeded: creation => this.#seeded(name, creation),
      budget: this.#budget,
      recovery: this.#recovery,
      link:
        fanout === undefined
          ? undefined
          : document => new NodeLink(document, { fanout, clock, random, log, metrics, defer }),
      onGrowth: tail => this.#compaction.grew(name, tail),
      retryInMs: attempt => backoffMs(attempt, random, RETRY),
      onGone: () => {
        if (this.#residents.get(name) === resident) this.#residents.delete(name)
        metrics.documentsLive.set(this.#residents.size)
      },
    })
    this.#residents.set(name, resident)
    metrics.documentsLive.set(this.#residents.size)
    return resident
  }
}

function recoveryOf({ recovery, journal, fanout, clock }: DocumentsOptions): Recovery {
  if (recovery === 'always') return lastingRecovery
  const afterCrashes = new CrashRecovery(clock)
  if (journal.afterCrash) afterCrashes.begin()
  fanout?.onNodeGone(() => afterCrashes.begin())
  return afterCrashes
}
