/** One document's place in memory: loads once, counts its holders, leaves when clean and idle. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Tail } from '../journal/compaction.ts'
import type { Creation, Journal, StoredDocument } from '../journal/journal.ts'
import type { Supervisor } from '../base/supervise.ts'
import { ClientIds } from './client-ids.ts'
import type { DocumentHooks } from './document-hooks.ts'
import { LiveDocument, type LiveDocumentLimits } from './live-document.ts'
import { loadDoc } from './loader.ts'
import type { DurableBatch } from './document-log.ts'
import { nextResidence, type Residence, type ResidenceEvent } from './residence.ts'
import type { Roots } from './roots-check.ts'
import type { UnsavedBudget } from './unsaved.ts'

export type ResidentOptions = {
  readonly name: DocumentName
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly limits: LiveDocumentLimits
  readonly idleMs: number
  readonly budget: UnsavedBudget
  readonly hooks: DocumentHooks
  readonly supervisor: Supervisor
  /** The creation, with its seed. */
  readonly seeded: (creation: Creation) => Promise<Creation>
  /** Told how long the unfolded tail is. */
  readonly onGrowth: (tail: Tail) => void
  /** How long a failed reading is not tried again; attempts count from 1. */
  readonly retryInMs: (attempt: number) => number
  /** Called once, when this object is of no further use. */
  readonly onGone: () => void
}

export type Hold = { readonly document: LiveDocument; release(): void }

export class Resident {
  readonly #options: ResidentOptions
  readonly #log: Logger
  #state: Residence = { kind: 'loading' }
  #loading: Promise<LiveDocument> | undefined
  #document: LiveDocument | undefined
  #holders = 0
  #failures = 0
  #cancelIdle: Cancel = () => {}
  #tail: Tail = { entries: 0, bytes: 0, snapshotBytes: 0 }

  constructor(options: ResidentOptions) {
    this.#options = options
    this.#log = options.log.child({ document: options.name })
  }

  get live(): LiveDocument | undefined {
    return this.#document
  }

  async hold(creation: Creation | undefined): Promise<Hold> {
    const { clock } = this.#options
    if (this.#state.kind === 'failed' && clock.monotonic() < this.#state.retryAt) {
      const retryAfterMs = this.#state.retryAt - clock.monotonic()
      throw again(this.#state.error, retryAfterMs)
    }
    this.#step({ type: 'opened' })
    // Counted before the wait: a document that finishes loading is never let go under a waiter.
    this.#holders += 1
    this.#cancelIdle()
    const isOwnLoad = this.#loading === undefined
    try {
      this.#loading ??= this.#load(creation)
      const document = this.#document ?? (await this.#loading)
      return { document, release: this.#releaseOnce() }
    } catch (error) {
      this.#holders -= 1
      // Joined the opening of somebody who may not create: ask again, as one who may.
      const isMissing = toWeftError(error).code === 'DOCUMENT_NOT_FOUND'
      if (isMissing && creation !== undefined && !isOwnLoad) return this.hold(creation)
      throw error
    }
  }

  #releaseOnce(): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      this.#holders -= 1
      if (this.#holders === 0) this.#startIdling()
    }
  }

  async #load(creation: Creation | undefined): Promise<LiveDocument> {
    const { name, clock, metrics } = this.#options
    const startedAt = clock.monotonic()
    try {
      const stored = await this.#openOrCreate(creation)
      if (stored === undefined) {
        throw new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
      }
      if (this.#state.kind === 'gone') throw this.#endError()
      const document = this.#makeLive(stored)
      metrics.documentLoads.inc({ outcome: 'ok' })
      metrics.documentLoadSeconds.observe((clock.monotonic() - startedAt) / 1000)
      return document
    } catch (error) {
      metrics.documentLoads.inc({ outcome: toWeftError(error).code })
      throw this.#loadFailed(error)
    }
  }

  /** The hook for new documents runs for those alone: most openings find what they look for. */
  async #openOrCreate(creation: Creation | undefined): Promise<StoredDocument | undefined> {
    const { journal, name, hooks, seeded } = this.#options
    if (creation === undefined || hooks.seed === undefined) return journal.open(name, creation)
    const found = await journal.open(name)
    return found ?? journal.open(name, await seeded(creation))
  }

  #makeLive(stored: StoredDocument): LiveDocument {
    const { journal, budget, limits, clock, random, metrics } = this.#options
    const { doc, owners } = loadDoc(stored)
    const { head } = stored
    const log = this.#log
    const document = new LiveDocument({
      head,
      doc,
      journal,
      budget,
      limits,
      clock,
      random,
      log,
      metrics,
      clientIds: new ClientIds(owners),
      roots: this.#rootsOf(head.name),
    })
    document.listen({
      onDurable: batch => this.#onDurable(document, batch),
      onEnd: () => this.#step({ type: 'deleted' }),
    })
    this.#document = document
    this.#failures = 0
    this.#step({ type: 'loaded' })
    const bytes = stored.tail.reduce((sum, { update }) => sum + update.byteLength, 0)
    this.#tail = { entries: 0, bytes: 0, snapshotBytes: stored.snapshot?.state.byteLength ?? 0 }
    this.#grow({ entries: stored.tail.length, bytes })
    this.#observe('onOpen', document)
    return document
  }

  /** A hook that throws here would keep everybody out: then the roots are not checked. */
  #rootsOf(name: DocumentName): Roots | undefined {
    try {
      return this.#options.hooks.schema?.roots?.(name)
    } catch (error) {
      this.#options.metrics.hookFailures.inc({ hook: 'roots', reason: 'error' })
      this.#log.error({ err: error }, 'the hook "roots" failed: root types are not checked')
      return undefined
    }
  }

  #onDurable(document: LiveDocument, batch: DurableBatch): void {
    this.#grow(batch)
    const { hooks, supervisor } = this.#options
    const { onStored } = hooks
    if (onStored === undefined) return
    const { name, incarnation } = document
    const { seq, entries } = batch
    supervisor.observe('onStored', () => onStored({ name, incarnation, seq, entries }))
  }

  #observe(hook: 'onOpen' | 'onClose', { name, incarnation }: LiveDocument): void {
    const { hooks, supervisor } = this.#options
    const observer = hooks[hook]
    supervisor.observe(hook, observer && (() => observer({ name, incarnation })))
  }

  /** Failing to load is never an empty document: the error is kept, and the next try has its time. */
  #loadFailed(error: unknown): WeftError {
    const { clock, retryInMs } = this.#options
    this.#loading = undefined
    if (this.#state.kind === 'gone') return toWeftError(error)
    this.#failures += 1
    const retryAfterMs = retryInMs(this.#failures)
    const refusal = asRefusal(error, retryAfterMs)
    const isAnswer = ANSWERS.has(refusal.code)
    if (!isAnswer) {
      const why = { code: refusal.code, reason: refusal.message, retryAfterMs }
      this.#log.error(why, 'the document could not be read')
    }
    const retryAt = clock.monotonic() + (isAnswer ? 0 : retryAfterMs)
    this.#step({ type: 'load failed', error: refusal, retryAt })
    this.#cancelIdle = clock.after(isAnswer ? 0 : FORGET_FAILURE_MS, () => {
      if (this.#state.kind === 'failed') this.#step({ type: 'idle' })
    })
    return refusal
  }

  #startIdling(): void {
    if (this.#state.kind !== 'live') return
    this.#cancelIdle()
    this.#cancelIdle = this.#options.clock.after(this.#options.idleMs, () => {
      this.#step({ type: 'idle' })
      void this.#leaveWhenClean()
    })
  }

  /** Never evicted while not durable: invariant 5. */
  async #leaveWhenClean(): Promise<void> {
    try {
      await this.#document?.whenDurable()
    } catch {
      // The document ended on its own; whoever ended it has taken the step.
      return
    }
    if (this.#state.kind === 'draining' && this.#holders === 0) this.#step({ type: 'clean' })
  }

  /** Ends this document for everybody: it was deleted in the journal. */
  delete(): void {
    this.#step({ type: 'deleted' })
  }

  /** For a shutdown. Returns a sentence when edits are left that are not durable. */
  async drain(signal: AbortSignal): Promise<string | undefined> {
    this.#step({ type: 'shutdown' })
    const document = this.#document
    if (document === undefined) return undefined
    const timeOver = new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([document.whenDurable().catch(() => {}), timeOver])
    if (document.isClean) {
      this.#step({ type: 'clean' })
      return undefined
    }
    const sentence = `${this.#options.name}: ${document.unsavedCount} edits are not stored`
    this.#step({ type: 'time over' })
    return sentence
  }

  /** A new snapshot holds everything up to now, but for what came while it was made. */
  snapshotPut(snapshotBytes: number): void {
    this.#tail = { entries: 0, bytes: 0, snapshotBytes }
  }

  #grow({ entries, bytes }: { readonly entries: number; readonly bytes: number }): void {
    this.#tail = {
      entries: this.#tail.entries + entries,
      bytes: this.#tail.bytes + bytes,
      snapshotBytes: this.#tail.snapshotBytes,
    }
    this.#options.onGrowth(this.#tail)
  }

  #step(event: ResidenceEvent): void {
    const before = this.#state
    this.#state = nextResidence(before, event)
    if (this.#state.kind !== 'gone' || before.kind === 'gone') return
    this.#cancelIdle()
    this.#document?.end(this.#endError())
    if (this.#document !== undefined) this.#observe('onClose', this.#document)
    this.#options.onGone()
  }

  #endError(): WeftError {
    const { name } = this.#options
    return this.#state.kind === 'gone' && this.#state.reason === 'deleted'
      ? new WeftError('DOCUMENT_DELETED', `${quoteName(name)} was deleted`)
      : new WeftError('SHUTTING_DOWN', 'the server lets go of the document')
  }
}

/** Refusals that are the store's answer, not a failure to answer; they are not kept. */
const ANSWERS: ReadonlySet<string> = new Set(['DOCUMENT_NOT_FOUND', 'DOCUMENT_DELETED'])
const FORGET_FAILURE_MS = 60_000

function asRefusal(error: unknown, retryAfterMs: number): WeftError {
  const refusal = toWeftError(error)
  if (!refusal.retryable) return refusal
  return new WeftError('DOCUMENT_UNAVAILABLE', refusal.message, { retryAfterMs, cause: error })
}

/** The same refusal for somebody who comes later. */
function again(error: WeftError, retryAfterMs: number): WeftError {
  return new WeftError(error.code, error.message, { retryAfterMs, cause: error })
}
