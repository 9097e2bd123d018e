/** One document's copy on this device: written behind the edits, kept in few rows, and repaired. */
import type { Cancel } from '../../../shared/clock.ts'
import { AsideWriter } from './aside-writer.ts'
import { readAgain, readCopy, type CopyPlace } from './copy-reader.ts'
import { planRepair } from './copy-repair.ts'
import type { CopyListener, CopySource } from './copy-source.ts'
import { KnownRows, joinRun, type QueuedRow } from './known-rows.ts'
import type { KnownRow } from './row-tiers.ts'
import { CopyGone, type CopyMeta, type CopyRef, type StoredCopy } from './offline-store.ts'
import { storageProblem } from './storage-problem.ts'
import type { UnstoredAsides } from './unstored-asides.ts'

export type LocalCopyOptions = CopyPlace & {
  readonly source: CopySource
  readonly listener: CopyListener
  /** Only one tab folds, and joins what others wrote. */
  readonly isLeader: () => boolean
  /** Where it goes when it is set aside and the store does not take it. */
  readonly unstored: UnstoredAsides
  /** What the copy is to begin with, when there is none. */
  readonly kept: boolean
}

/** A copy that was read with as much behind its snapshot gets a new one. */
const FOLD_AT_BYTES = 64 << 10
const FOLD_AT_ROWS = 16
/** A store that failed is tried again after this time, with everything that it missed. */
const RETRY_MS = 15_000

/**
 * `degraded`: the store failed, and is tried again. `aside`: by this tab or another; what an editor
 * still writes joins it there. `ended`: closed.
 */
type Phase = 'reading' | 'writing' | 'degraded' | 'aside' | 'ended'

export class LocalCopy {
  readonly #options: LocalCopyOptions
  readonly #stopListening: () => void
  readonly #aside: AsideWriter
  #phase: Phase = 'reading'
  #ref: CopyRef | undefined
  #meta: CopyMeta
  #metaToPut: Partial<CopyMeta> = {}
  #incarnationInStore: string | null = null
  /** Rows of this device that this tab has in its document, in order. */
  #rows = new KnownRows()
  #queued: QueuedRow[] = []
  /** Changes up to this number are in the store. */
  #kept = 0
  /** Changes up to this number are durable on the server; the store may not know yet. */
  #saved = 0
  #savedInStore = 0
  #foldFrom: StoredCopy | undefined
  /** `whole`: rewrite what the store may have lost. `rows`: look for rows of tabs that are gone. */
  #repair: 'none' | 'rows' | 'whole' = 'none'
  /** The server named the incarnation in this session. */
  #isConfirmed = false
  #hasProblem = false
  #writing: Promise<void> | undefined
  #cancelRetry: Cancel = () => {}

  constructor(options: LocalCopyOptions) {
    this.#options = options
    const { store, clock, kept } = options
    this.#meta = { incarnation: null, seq: 0, openedAt: clock.now(), kept }
    this.#aside = new AsideWriter({ ...options, incarnation: () => this.#meta.incarnation })
    this.#stopListening = store.onLost(() => this.repair('whole'))
  }

  /** Which copy of the store it is; null before it is read. */
  get life(): string | null {
    return this.#ref?.life ?? null
  }

  get meta(): CopyMeta {
    return this.#meta
  }

  /** Hands the copy to the source, whole or not at all. Never rejects. */
  async load(): Promise<StoredCopy | undefined> {
    try {
      const copy = await readCopy(this.#options, this.#meta)
      if (this.#isOver) return undefined
      this.#take(copy)
      const bytes = copy.rows.reduce((sum, { update }) => sum + update.byteLength, 0)
      if (bytes > FOLD_AT_BYTES || copy.rows.length > FOLD_AT_ROWS) this.#foldFrom = copy
      this.#phase = 'writing'
      this.#schedule()
      return copy
    } catch (error) {
      this.#degrade(error)
      return undefined
    }
  }

  /** A change made here, by its number in the outbox; 0 for one that came from the server. */
  add(update: Uint8Array, change: number): void {
    const row = { update, unsaved: change === 0 ? 0 : 1 }
    if (this.#phase === 'aside') void this.#aside.add([row])
    if (this.#phase !== 'writing') return
    this.#queued.push({ row, change })
    this.#schedule()
  }

  /** Changes up to this number are durable on the server. */
  saved(change: number): void {
    this.#saved = Math.max(this.#saved, change)
    this.#schedule()
  }

  /** The server's word. */
  belongsTo(incarnation: string, seq: number): void {
    this.#isConfirmed = true
    this.#put({ incarnation, seq })
  }

  keep(kept: boolean): void {
    this.#put({ kept })
  }

  /** The application opened the document: its copy is not the first to go. */
  touch(): void {
    this.#put({ openedAt: this.#options.clock.now() })
  }

  /** Compares with the store; see {@link RepairNeed}. */
  repair(extent: 'rows' | 'whole'): void {
    if (this.#phase !== 'writing' && this.#phase !== 'degraded') return
    if (this.#repair !== 'whole') this.#repair = extent
    if (this.#phase === 'degraded') {
      this.#cancelRetry()
      this.#phase = 'writing'
      this.#repair = 'whole'
    }
    this.#schedule()
  }

  /** Puts the copy out of the way of a new document of the same name. */
  async setAside(): Promise<void> {
    await this.flush()
    const { store, clock, listener } = this.#options
    const ref = this.#ref
    // Read before the phase changes: a degraded store lacks something of the document.
    this.#leaveForAside(this.#phase !== 'degraded')
    if (ref === undefined) return
    try {
      await store.setAside(ref, clock.now())
    } catch (error) {
      this.#aside.keepInMemory()
      listener.onProblem(storageProblem(error))
    }
  }

  #leaveForAside(isWhole: boolean): void {
    const late = this.#queued.map(({ row }) => row)
    if (this.#phase === 'ended') return
    this.end()
    this.#phase = 'aside'
    this.#aside.begin(this.#ref, isWhole)
    if (late.length > 0) void this.#aside.add(late)
  }

  /** Resolves when everything so far is in the store, or the store has failed. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** Nothing is written from now on. */
  end(): void {
    this.#phase = 'ended'
    this.#queued = []
    this.#cancelRetry()
    this.#stopListening()
  }

  #put(meta: Partial<CopyMeta>): void {
    this.#meta = { ...this.#meta, ...meta }
    this.#metaToPut = { ...this.#metaToPut, ...meta }
    this.#schedule()
  }

  #schedule(): void {
    if (this.#phase !== 'writing' || this.#writing !== undefined) return
    this.#writing = this.#writeUntilDone()
  }

  async #writeUntilDone(): Promise<void> {
    // One microtask later, so that a burst of changes is one transaction.
    await Promise.resolve()
    try {
      while (this.#isWriting() && (await this.#writeOnce())) continue
      if (this.#isWriting() && this.#hasProblem) {
        this.#hasProblem = false
        this.#options.listener.onProblem(null)
      }
    } catch (error) {
      this.#onFailure(error)
    }
    this.#writing = undefined
    // What came between the last look and this line found a writer that was already leaving.
    if (this.#hasNews) this.#schedule()
  }

  get #hasNews(): boolean {
    return (
      this.#repair !== 'none' ||
      this.#queued.length > 0 ||
      Object.keys(this.#metaToPut).length > 0 ||
      this.#saved > this.#savedInStore
    )
  }

  #isWriting(): boolean {
    return this.#phase === 'writing'
  }

  /** What is new comes first, tidying last. True while there is more to do. */
  async #writeOnce(): Promise<boolean> {
    if (this.#repair !== 'none') return this.#repairNow(this.#repair)
    const ref = this.#ref
    if (ref === undefined) return false
    // Nothing of the server's lies in a copy that does not say whose it is: a tab that dies in
    // between would leave one that merges into whatever document bears the name later.
    const { incarnation } = this.#metaToPut
    if (incarnation !== undefined && incarnation !== this.#incarnationInStore) {
      return this.#putMeta(ref)
    }
    if (this.#queued.length > 0) return this.#append(ref)
    if (Object.keys(this.#metaToPut).length > 0) return this.#putMeta(ref)
    if (this.#saved > this.#savedInStore) return this.#markSaved(ref, this.#saved)
    const isLeader = this.#options.isLeader()
    if (this.#foldFrom !== undefined && isLeader) return this.#fold(ref, this.#foldFrom)
    const run = this.#rows.findRun(isLeader)
    return run === undefined ? false : this.#join(ref, run)
  }

  async #append(ref: CopyRef): Promise<boolean> {
    const queued = this.#queued
    this.#queued = []
    const rows = queued.map(({ row }) => row)
    this.#rows.wrote(queued, await this.#options.store.append(ref, rows))
    const last = queued.findLast(({ change }) => change > 0)
    if (last !== undefined) this.#keptUpTo(last.change)
    return true
  }

  #keptUpTo(change: number): void {
    if (change <= this.#kept) return
    this.#kept = change
    this.#options.listener.onKept(change)
  }

  async #putMeta(ref: CopyRef): Promise<boolean> {
    const meta = this.#metaToPut
    this.#metaToPut = {}
    await this.#options.store.putMeta(ref, meta)
    if (meta.incarnation !== undefined) this.#incarnationInStore = meta.incarnation
    return true
  }

  async #markSaved(ref: CopyRef, change: number): Promise<boolean> {
    const ids = this.#rows.savedBy(change)
    if (ids.length > 0) await this.#options.store.markSaved(ref, ids)
    this.#rows.markSaved(change)
    this.#savedInStore = change
    return true
  }

  /** Once after opening: saved rows go into a new snapshot. */
  async #fold(ref: CopyRef, { revision }: StoredCopy): Promise<boolean> {
    this.#foldFrom = undefined
    const { store, source } = this.#options
    const folded = this.#rows.saved
    if (folded.length === 0) return true
    await store.fold(ref, { snapshot: source.encodeState(), revision, folded })
    this.#rows.folded()
    return true
  }

  /** Neighbours become one row of the next tier. */
  async #join(ref: CopyRef, run: readonly KnownRow[]): Promise<boolean> {
    const row = joinRun(run)
    const id = await this.#options.store.join(ref, { ids: run.map(known => known.id), row })
    this.#rows.joined(run, { id, row })
    // Another tab was faster: its row is one that this tab has to learn of.
    if (id === null && this.#repair === 'none') this.#repair = 'rows'
    return true
  }

  // --- reading, and making good ----------------------------------------------------------------

  #take(copy: StoredCopy): void {
    const { name, source } = this.#options
    const changes = source.take(copy)
    this.#rows.read(copy.rows, changes)
    const { incarnation, seq, openedAt, kept } = copy
    this.#incarnationInStore = incarnation
    this.#ref = { name, life: copy.life }
    this.#meta = { incarnation, seq, openedAt, kept, ...this.#metaToPut }
    this.#keptUpTo(Math.max(0, ...changes.values()))
  }

  /** True while there is more to do. */
  async #repairNow(extent: 'rows' | 'whole'): Promise<boolean> {
    this.#repair = 'none'
    const copy = await readAgain(this.#options, this.#meta, this.#isConfirmed)
    if (!this.#isWriting()) return false
    const { source } = this.#options
    const isSame = copy.life === this.#ref?.life
    this.#rows.keepOnly(new Set(isSame ? copy.rows.map(({ id }) => id) : []))
    if (!isSame) this.#kept = 0
    const need = { copy, source, kept: Math.max(this.#kept, this.#saved) }
    // Planned before the rest is taken in, or what others wrote would be written again.
    const { rows } = planRepair(need, extent === 'whole')
    this.#queued = []
    const meta = this.#meta
    this.#take({ ...copy, rows: copy.rows.filter(({ id }) => !this.#rows.has(id)) })
    this.#put({ ...meta, incarnation: meta.incarnation ?? copy.incarnation })
    this.#queued = rows.map(({ change, ...row }) => ({ row, change }))
    return true
  }

  #onFailure(error: unknown): void {
    if (this.#isOver) return
    if (!(error instanceof CopyGone)) return this.#degrade(error)
    if (error.fate === 'aside') {
      this.#leaveForAside(true)
      return this.#options.listener.onSetAside()
    }
    this.#repair = 'whole'
  }

  get #isOver(): boolean {
    return this.#phase === 'ended' || this.#phase === 'aside'
  }

  #degrade(error: unknown): void {
    if (this.#isOver) return
    const { clock, listener } = this.#options
    this.#phase = 'degraded'
    this.#hasProblem = true
    this.#queued = []
    this.#cancelRetry = clock.after(RETRY_MS, () => this.repair('whole'))
    listener.onProblem(storageProblem(error))
  }
}
