/** A document in memory: one Y.Doc, one way to write to it, and what of it is durable. */
import * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import type { ClientIds } from './client-ids.ts'
import type { Roots } from './roots-check.ts'
import { DocumentDigest } from './document-digest.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Append, DocumentHead, Journal, NewEntry, RequestMark } from '../journal/journal.ts'
import { DocumentLog, type DurableBatch, type SavingState } from './document-log.ts'
import { FullState } from './full-state.ts'
import { readStateVector } from './state-vector.ts'
import type { UnsavedBudget } from './unsaved.ts'
import { applyWhole } from './apply-whole.ts'
import { checkUpdate, isKnown, type UpdateFit, type UpdateKind } from './update-check.ts'

export type LiveDocumentLimits = {
  readonly updateBytesMax: number
  /** A client that was away says all it has at once: as much as a frame holds. */
  readonly stateBytesMax: number
  readonly documentBytesMax: number
  readonly notSavingAfterMs: number
}

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

/** Who wrote, and through which door; the origin of the Yjs transaction. */
export type WriteOrigin = {
  /** The principal's id. */
  readonly author: string
  /** The session or request, so that nothing is echoed to it. */
  readonly source: object
  readonly kind: UpdateKind
  /** It comes from the journal, and does not go there again. */
  readonly isStored?: boolean
}

export type WriteOutcome =
  /** It is in the document, and durable as soon as `version` is. */
  | { readonly kind: 'applied'; readonly version: number }
  /** It depends on something missing; the document is as it was. Ask the writer for all it has. */
  | { readonly kind: 'gap' }

export type DocumentListener = {
  /** Called inside the transaction that made the change, for every change, in order. */
  readonly onUpdate?: (update: Uint8Array, origin: WriteOrigin | null) => void
  readonly onDurable?: (batch: DurableBatch) => void
  readonly onSaving?: (state: SavingState) => void
  /** The document follows another version of the application's schema now. */
  readonly onSchema?: (schema: number) => void
  /** The document ends under its holders: deleted, let go, or no longer to be stored. */
  readonly onEnd?: (error: WeftError) => void
}

/** A write that nobody sees before it is durable. */
export type DurableWrite = {
  readonly update: Uint8Array
  readonly author: string
  readonly request?: RequestMark
  readonly schema?: NonNullable<Append['schema']>
}

/** Updates to be applied in this order; together they are what was asked for. */
export type Updates = readonly [Uint8Array, ...Uint8Array[]]

export class LiveDocument {
  readonly name: DocumentName
  readonly incarnation: string
  readonly doc: Y.Doc
  readonly #options: LiveDocumentOptions
  readonly #fullState: FullState
  readonly #journaled: DocumentLog
  readonly #listeners = new Set<DocumentListener>()
  #ended = false
  #spoiled = false
  /** An upper bound of the encoded size: every update counts, whatever it deleted. */
  #bytes: number
  #schema: number
  readonly #digest: DocumentDigest

  constructor(options: LiveDocumentOptions) {
    const { head, doc, limits } = options
    this.name = head.name
    this.incarnation = head.incarnation
    this.doc = doc
    this.#options = options
    this.#bytes = head.bytes
    this.#schema = head.schema
    this.#fullState = new FullState(doc)
    this.#digest = new DocumentDigest(doc, options.clock)
    this.#journaled = new DocumentLog({
      ...options,
      notSavingAfterMs: limits.notSavingAfterMs,
      onDurable: batch => this.#tell(listener => listener.onDurable?.(batch)),
      onSaving: state => this.#tell(listener => listener.onSaving?.(state)),
      onStored: entries => this.#onStored(entries),
      onRefused: error => this.end(error),
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

  /** Names the content as it is now, with what is not durable yet. Quoted, as HTTP wants it. */
  get etag(): string {
    return `"${this.incarnation}.${this.seq + this.unsavedCount}"`
  }

  /** Seq of the last durable entry. */
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

  get isClean(): boolean {
    return this.unsavedCount === 0
  }

  /**
   * The one way to write. Throws UPDATE_INVALID, UPDATE_TOO_LARGE, DOCUMENT_TOO_LARGE or
   * JOURNAL_FULL, and then the document is as it was.
   */
  write(update: Uint8Array, origin: WriteOrigin): WriteOutcome {
    if (this.#spoiled) throw spoiledError()
    const writers: number[] = []
    const fit = this.#check(update, origin, writers)
    if (fit === 'gap') return { kind: 'gap' }
    if (fit === 'trim') {
      return this.write(Y.diffUpdate(update, Y.encodeStateVector(this.doc)), origin)
    }
    this.#refuseWhenFull(update.byteLength)
    const applied = applyWhole(this.doc, update, origin)
    // A state may hold what others wrote and nobody stored; who hands that over is not its author.
    if (origin.kind === 'edit') this.#options.clientIds.claim(writers, origin.author)
    if (applied.kind === 'broken') {
      this.#spoil(applied.error)
      throw new WeftError('UPDATE_INVALID', 'the update cannot be applied', {
        cause: applied.error,
      })
    }
    return applied.kind === 'whole' ? { kind: 'applied', version: this.version } : { kind: 'gap' }
  }

  #check(update: Uint8Array, { kind, author }: WriteOrigin, writers: number[]): UpdateFit {
    const { limits, clientIds, roots } = this.#options
    return checkUpdate(this.doc, update, {
      kind,
      updateBytesMax: kind === 'state' ? limits.stateBytesMax : limits.updateBytesMax,
      roots,
      onWriter: id => {
        writers.push(id)
        if (clientIds.mayWrite(id, { principalId: author, handsOver: kind === 'state' })) return
        throw new WeftError('CLIENT_ID_TAKEN', `client ${id} is somebody else`)
      },
    })
  }

  /** A session shows itself under a Yjs client id: nobody else writes under it while it is here. */
  showClientId(clientId: number, session: { readonly principalId: string }): void {
    this.#options.clientIds.show(clientId, session)
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
  async writeDurably({ update, author, request, schema }: DurableWrite): Promise<number> {
    const { clock } = this.#options
    if (this.#ended) throw new WeftError('DOCUMENT_UNAVAILABLE', 'the document has ended')
    if (this.#spoiled) throw spoiledError()
    const origin: WriteOrigin = { author, source: this, kind: 'edit' }
    if (this.#check(update, origin, []) === 'gap') {
      throw new WeftError('UPDATE_INVALID', 'the update depends on changes that are not here')
    }
    this.#refuseWhenFull(update.byteLength)
    if (this.saving === 'failing') {
      throw new WeftError('JOURNAL_UNAVAILABLE', 'the store does not take edits just now', {
        retryAfterMs: 2_000,
      })
    }
    const mark = request === undefined ? {} : { request }
    // A program may hand in a whole document, with what others wrote in it.
    const entry: NewEntry = { author, at: clock.now(), update, handsOver: true, ...mark }
    const seq = await this.#journaled.pushGuarded(
      schema === undefined ? { entry } : { entry, schema },
    )
    if (schema !== undefined) this.#moveSchema(schema.to)
    return seq
  }

  #moveSchema(to: number): void {
    if (to <= this.#schema) return
    this.#schema = to
    this.#tell(listener => listener.onSchema?.(to))
  }

  /** Durable already, so only to be shown. */
  #onStored(entries: readonly NewEntry[]): void {
    for (const entry of entries) {
      this.#options.clientIds.claimWriters(this.doc, entry)
      const { author } = entry
      const origin: WriteOrigin = { author, source: this, kind: 'edit', isStored: true }
      Y.applyUpdate(this.doc, entry.update, origin)
    }
  }

  /**
   * A short name for all that the document holds; undefined when it was asked for too recently and
   * has changed since.
   */
  digest(): string | undefined {
    return this.#digest.get()
  }

  /** Would {@link write} change nothing? */
  knows(update: Uint8Array): boolean {
    return isKnown(this.doc, update)
  }

  /** What somebody with this state vector lacks. Throws UPDATE_INVALID or UPDATE_TOO_LARGE. */
  missingFor(stateVector: Uint8Array): Updates {
    return readStateVector(stateVector).size === 0
      ? this.state()
      : [Y.encodeStateAsUpdate(this.doc, stateVector)]
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.doc)
  }

  /** The whole document. */
  state(): Updates {
    return this.#fullState.get()
  }

  listen(listener: DocumentListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
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
    this.#tell(listener => listener.onEnd?.(error))
    this.#listeners.clear()
    this.#journaled.end(error)
    this.doc.destroy()
  }

  #onUpdate(update: Uint8Array, origin: unknown): void {
    const write = isWriteOrigin(origin) ? origin : null
    this.#bytes += update.byteLength
    this.#digest.changed()
    this.#fullState.add(update)
    const author = write?.author ?? SERVER_AUTHOR
    const handsOver = write?.kind === 'state'
    if (write?.isStored !== true) this.#journaled.push({ author, update, handsOver })
    this.#tell(listener => listener.onUpdate?.(update, write))
  }

  #refuseWhenFull(bytes: number): void {
    const { limits, budget } = this.#options
    if (budget.isSpent) {
      const sentence = `${budget.bytes} bytes of edits wait for the store already`
      throw new WeftError('JOURNAL_FULL', sentence, { retryAfterMs: 1_000 })
    }
    if (this.#bytes + bytes <= limits.documentBytesMax) return
    // The bound counts every update ever; what was deleted or merged since weighs less.
    this.#bytes = Y.encodeStateAsUpdate(this.doc).byteLength
    if (this.#bytes + bytes <= limits.documentBytesMax) return
    const sentence = `${quoteName(this.name)} has ${this.#bytes} bytes`
    const limit = `the limit is ${limits.documentBytesMax}`
    throw new WeftError('DOCUMENT_TOO_LARGE', `${sentence}; ${limit}`)
  }

  /** A listener may leave while it is told: those are not told twice, and nobody is passed over. */
  #tell(action: (listener: DocumentListener) => void): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        action(listener)
      } catch (error) {
        // A bug in what one holder does with the news must not keep it from the others, nor end
        // the transaction that it comes from.
        this.#options.log.error({ err: error }, 'a listener of the document failed')
      }
    }
  }
}

function spoiledError(): WeftError {
  return new WeftError('DOCUMENT_UNAVAILABLE', 'the document is read anew', { retryAfterMs: 500 })
}

/** Author of changes that come from no principal: the server's own code. */
const SERVER_AUTHOR = 'server'

function isWriteOrigin(origin: unknown): origin is WriteOrigin {
  return typeof origin === 'object' && origin !== null && 'author' in origin && 'source' in origin
}
