/** A document in memory: one Y.Doc, one way to write to it, and what of it is durable. */
import * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import type { ClientIds } from './client-ids.ts'
import type { Roots } from './roots-check.ts'
import { DocumentDigest } from './document-digest.ts'
import { WeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { DocumentHead, Journal, NewEntry } from '../journal/journal.ts'
import { applyWhole, spoiledError } from './apply-whole.ts'
import { DocumentListeners } from './document-listeners.ts'
import { DocumentLog, type SavingState } from './document-log.ts'
import {
  SERVER_AUTHOR,
  handsOver,
  isWriteOrigin,
  type DocumentListener,
  type DurableWrite,
  type Updates,
  type WriteOrigin,
  type WriteOutcome,
} from './document-write.ts'
import { FullState } from './full-state.ts'
import { ownPart } from './own-part.ts'
import { OtherNodes } from './other-nodes.ts'
import { readStateVector } from './state-vector.ts'
import type { UnsavedBudget } from './unsaved.ts'
import { isKnown } from './update-check.ts'
import { UpdateGate, type LiveDocumentLimits } from './update-gate.ts'

export type LiveDocumentOptions = {
  readonly head: DocumentHead
  readonly doc: Y.Doc
  readonly journal: Journal
  readonly budget: UnsavedBudget
  readonly limits: LiveDocumentLimits
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly clientIds: ClientIds
  /** The root types that the application has declared for this document. */
  readonly roots: Roots | undefined
}

export class LiveDocument {
  readonly name: DocumentName
  readonly incarnation: string
  readonly doc: Y.Doc
  readonly #options: LiveDocumentOptions
  readonly #fullState: FullState
  readonly #journaled: DocumentLog
  readonly #gate: UpdateGate
  readonly #listeners: DocumentListeners
  /** What other nodes do to the same document. */
  readonly nodes: OtherNodes
  #ended = false
  #spoiled = false
  #schema: number
  readonly #digest: DocumentDigest

  constructor(options: LiveDocumentOptions) {
    const { head, doc, limits } = options
    this.name = head.name
    this.incarnation = head.incarnation
    this.doc = doc
    this.#options = options
    this.#schema = head.schema
    this.#listeners = new DocumentListeners(options.log)
    this.#gate = new UpdateGate({ ...options, name: head.name, bytes: head.bytes })
    this.#fullState = new FullState(doc)
    this.#digest = new DocumentDigest(doc, options.clock)
    this.#journaled = new DocumentLog({
      ...options,
      notSavingAfterMs: limits.notSavingAfterMs,
      onDurable: batch => this.#listeners.tell(listener => listener.onDurable?.(batch)),
      onSaving: state => this.#listeners.tell(listener => listener.onSaving?.(state)),
      onStored: entries => this.#apply(entries, 'stored'),
      onOthers: entries => {
        this.nodes.found(entries)
        this.#apply(entries, 'theirs')
      },
      onRefused: error => this.end(error),
    })
    this.nodes = new OtherNodes(this, {
      ...options,
      gate: this.#gate,
      journaled: this.#journaled,
      onSchema: schema => this.#moveSchema(schema),
      onBroken: error => this.#spoil(error),
    })
    doc.on('update', (update: Uint8Array, origin: unknown) => this.#onUpdate(update, origin))
  }

  /** Counts the changes since the document was opened. */
  get version(): number {
    return this.#journaled.version
  }

  get durableVersion(): number {
    return this.#journaled.durableVersion
  }

  /** Version of the application's schema that the content follows; it only ever rises. */
  get schema(): number {
    return this.#schema
  }

  /**
   * Names the content as it is now, quoted, as HTTP wants it. Where this node alone writes it names
   * what is not durable yet, too; with other writers nobody knows the seq that will get.
   */
  get etag(): string {
    const { journal } = this.#options
    const coming = journal.writers === 'exclusive' ? this.unsavedCount : 0
    return `"${this.incarnation}.${this.seq + coming}"`
  }

  /** All entries up to this one are in the document. */
  get seq(): number {
    return this.#journaled.seq
  }

  get saving(): SavingState {
    return this.#journaled.saving
  }

  /** Changes that are not durable yet. */
  get unsavedCount(): number {
    return this.#journaled.unsavedCount
  }

  /** Everything in it is durable, as far as this node knows. */
  get isClean(): boolean {
    return this.unsavedCount === 0 && this.nodes.owe === 0
  }

  /** It has ended, or is about to: nothing more goes in. */
  get isOver(): boolean {
    return this.#ended || this.#spoiled
  }

  /**
   * The one way to write. Throws UPDATE_INVALID, UPDATE_TOO_LARGE, CLIENT_ID_TAKEN,
   * PATH_FORBIDDEN, DOCUMENT_TOO_LARGE or JOURNAL_FULL, and then the document is as it was.
   */
  write(update: Uint8Array, origin: WriteOrigin): WriteOutcome {
    if (this.#spoiled) throw spoiledError()
    const { fit, writers, others, recovered } = this.#gate.check(update, origin)
    if (fit === 'gap') return { kind: 'gap' }
    if (others.length > 0) return this.#writeOwnPart(update, origin, new Set(others))
    if (fit === 'trim') return this.write(this.#missingOf(update), origin)
    this.#gate.requireRoom(update.byteLength)
    // Of what is here already some may be another node's: it must not be called durable for that.
    const repeats = this.nodes.isRepeatedBy(update, origin.kind)
    const applied = applyWhole(this.doc, update, origin)
    if (repeats) this.nodes.adopt()
    // A state may hold what others wrote and nobody stored; who hands that over is not its author.
    if (!handsOver(origin)) this.#options.clientIds.claim(writers, origin.author)
    if (applied.kind === 'broken') {
      this.#spoil(applied.error)
      throw new WeftError('UPDATE_INVALID', 'the update cannot be applied', {
        cause: applied.error,
      })
    }
    if (recovered.length > 0) this.#noteRecovered(recovered.length, origin)
    return applied.kind === 'whole' ? { kind: 'applied', version: this.version } : { kind: 'gap' }
  }

  /** It goes by the name of whoever handed it over, whose word is all that there is for it. */
  #noteRecovered(clientIds: number, { author }: WriteOrigin): void {
    const { metrics, log } = this.#options
    metrics.recovered.inc(clientIds)
    log.info({ by: author, clientIds }, 'somebody handed over what others wrote and nobody stored')
  }

  /** The rest has to come from those whose it is: the sender is asked again, until it has. */
  #writeOwnPart(update: Uint8Array, origin: WriteOrigin, others: Set<number>): WriteOutcome {
    this.#options.metrics.updatesHeld.inc()
    const own = ownPart(this.doc, update, id => !others.has(id))
    if (own !== undefined) this.write(own, origin)
    return { kind: 'gap' }
  }

  /** A session shows itself under a Yjs client id: nobody else writes under it while it is here. */
  showClientId(clientId: number, session: { readonly principalId: string }): void {
    this.#options.clientIds.show(clientId, session)
  }

  /** The same on another node; undefined: not any more. */
  showClientIdElsewhere(clientId: number, principalId: string | undefined): void {
    this.#options.clientIds.showElsewhere(clientId, principalId)
  }

  /** Nobody here hears of other nodes' people any more. */
  forgetElsewhere(): void {
    this.#options.clientIds.forgetElsewhere()
  }

  hideClientIds(session: object): void {
    this.#options.clientIds.hide(session)
  }

  /**
   * Yjs threw in the middle of a change: nobody can say what this copy is now, and it may never tell
   * of another change. What it told before is stored as usual; then it ends, and whoever still needs
   * the document opens what the journal has.
   */
  #spoil(cause: unknown): void {
    if (this.#spoiled) return
    this.#spoiled = true
    const { log, metrics } = this.#options
    metrics.unexpected.inc({ where: 'apply' })
    log.error({ err: cause }, 'an update broke the copy in memory; it is read anew')
    const end = () => this.end(spoiledError())
    this.whenDurable().then(end, end)
  }

  /**
   * Writes to the journal first and shows the change when it is durable. Resolves with its seq.
   * Throws what {@link write} throws, UPDATE_INVALID for a gap, JOURNAL_UNAVAILABLE when the store
   * does not take it now, REQUEST_REPEATED or SCHEMA_CONFLICT; then nobody has seen it.
   */
  async writeDurably(write: DurableWrite): Promise<number> {
    const { update, author, rule, request, ...conditions } = write
    if (this.#ended) throw new WeftError('DOCUMENT_UNAVAILABLE', 'the document has ended')
    if (this.#spoiled) throw spoiledError()
    const origin: WriteOrigin = { author, source: this, kind: 'edit', rule }
    const { fit } = this.#gate.check(update, origin)
    if (fit === 'gap') {
      throw new WeftError('UPDATE_INVALID', 'the update depends on changes that are not here')
    }
    // Not checked to its end yet.
    if (fit === 'trim') return this.writeDurably({ ...write, update: this.#missingOf(update) })
    this.#gate.requireRoom(update.byteLength)
    if (this.saving === 'failing') {
      throw new WeftError('JOURNAL_UNAVAILABLE', 'the store does not take edits just now', {
        retryAfterMs: 2_000,
      })
    }
    const mark = request === undefined ? {} : { request }
    // A program may hand in a whole document, with what others wrote in it; not where only the
    // writer's own is taken, and has to be known as his later on.
    const handsOver = rule?.own !== true
    const entry: NewEntry = { author, at: this.#options.clock.now(), update, handsOver, ...mark }
    this.nodes.adoptFor(update)
    const seq = await this.#journaled.pushGuarded({ entry, conditions })
    if (conditions.schema !== undefined) this.#moveSchema(conditions.schema.to)
    return seq
  }

  #moveSchema(to: number): void {
    if (to <= this.#schema) return
    this.#schema = to
    this.#listeners.tell(listener => listener.onSchema?.(to))
  }

  /** Durable already, so only to be shown. */
  #apply(entries: readonly NewEntry[], path: 'stored' | 'theirs'): void {
    if (this.#spoiled) return
    for (const entry of entries) {
      this.#options.clientIds.claimWriters(this.doc, entry)
      const origin: WriteOrigin = { author: entry.author, source: this, kind: 'edit', path }
      const applied = applyWhole(this.doc, entry.update, origin)
      if (applied.kind === 'whole') continue
      const error = applied.kind === 'broken' ? applied.error : new Error('an entry does not fit')
      return this.#spoil(error)
    }
  }

  /** Resolves when all that is in it now is durable, whoever was to store it; rejects when it ends. */
  settle(): Promise<void> {
    this.nodes.adopt()
    return this.whenDurable()
  }

  /** Resolves when nothing in it has to be stored any more; rejects when it ends. */
  async whenClean(): Promise<void> {
    while (!this.isClean) await this.settle()
  }

  /**
   * A short name for all that the document holds; undefined when it was asked for too recently and
   * has changed since.
   */
  digest(): string | undefined {
    return this.#digest.get()
  }

  /**
   * The version that holds an update which would change nothing; undefined when it would change
   * something.
   */
  versionOf(update: Uint8Array): number | undefined {
    if (!isKnown(this.doc, update)) return undefined
    this.nodes.adopt()
    return this.version
  }

  /** What somebody with this state vector lacks. Throws UPDATE_INVALID or UPDATE_TOO_LARGE. */
  missingFor(stateVector: Uint8Array): Updates {
    return readStateVector(stateVector).size === 0
      ? this.state()
      : [Y.encodeStateAsUpdate(this.doc, stateVector)]
  }

  #missingOf(update: Uint8Array): Uint8Array {
    return Y.diffUpdate(update, this.stateVector())
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.doc)
  }

  /** The whole document. */
  state(): Updates {
    return this.#fullState.get()
  }

  listen(listener: DocumentListener): () => void {
    return this.#listeners.add(listener)
  }

  /** Resolves once change `version` is durable; rejects when the document ends before. */
  whenDurable(version: number = this.version): Promise<void> {
    if (this.durableVersion >= version) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = this.listen({
        onDurable: batch => {
          if (batch.version < version) return
          stop()
          resolve()
        },
        onEnd: reject,
      })
    })
  }

  /** The end: holders are told why, and edits that could not be stored are let go. */
  end(error: WeftError): void {
    if (this.#ended) return
    this.#ended = true
    this.#listeners.tell(listener => listener.onEnd?.(error))
    this.#listeners.clear()
    this.#journaled.end(error)
    this.nodes.drop()
    this.doc.destroy()
  }

  #onUpdate(update: Uint8Array, origin: unknown): void {
    const write = isWriteOrigin(origin) ? origin : null
    this.#gate.grew(update.byteLength)
    this.#digest.changed()
    this.#fullState.add(update)
    if ((write?.path ?? 'new') === 'new') this.#store(update, write)
    this.#listeners.tell(listener => listener.onUpdate?.(update, write))
  }

  #store(update: Uint8Array, origin: WriteOrigin | null): void {
    // Before it, or a crash between the two would leave an entry with a hole under it.
    this.nodes.adoptFor(update)
    const { author = SERVER_AUTHOR } = origin ?? {}
    const at = this.#options.clock.now()
    this.#journaled.push({ author, at, update, handsOver: handsOver(origin) })
  }
}
