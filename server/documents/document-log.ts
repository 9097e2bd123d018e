/** One document's way to the disk: its changes go to the journal one batch at a time, in order. */
import { backoffMs } from '../../shared/backoff.ts'
import { sleep, type Cancel, type Clock } from '../../shared/clock.ts'
import { toWeftError, type WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { StoredNote } from '../fanout/document-message.ts'
import type { DocumentHead, Entry, Journal, NewEntry } from '../journal/journal.ts'
import { CatchUp } from './catch-up.ts'
import { SentBatch } from './sent-batch.ts'
import { SeqCoverage } from './seq-coverage.ts'
import { StoredNotes } from './stored-notes.ts'
import {
  Unsaved,
  type GuardedChange,
  type UnsavedBatch,
  type UnsavedBudget,
  type UnsavedSource,
} from './unsaved.ts'

export type SavingState = 'ok' | 'failing'

export type DocumentLogOptions = {
  readonly head: DocumentHead
  readonly journal: Journal
  readonly budget: UnsavedBudget
  /** How long a change may wait before the document is said to be not saving. */
  readonly notSavingAfterMs: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly onDurable: (batch: DurableBatch) => void
  readonly onSaving: (state: SavingState) => void
  /** A guarded change is durable, and goes into the document now. */
  readonly onStored: (entries: readonly NewEntry[]) => void
  /** Entries of another writer were read; they go into the document. */
  readonly onOthers: (entries: readonly Entry[]) => void
  /** The journal will never take these changes: the document was deleted or made anew elsewhere. */
  readonly onRefused: (error: WeftError) => void
}

export type DurableBatch = {
  /** All changes up to this one are durable. */
  readonly version: number
  /** The journal's head. */
  readonly seq: number
  readonly entries: number
  readonly bytes: number
}

const RETRY = { minMs: 100, maxMs: 5_000 }
const APPEND_BYTES_MAX = 4 << 20
/** Somebody who types tells within that time where the last change is stored. */
const NOTE_WAIT_MS = 250

export class DocumentLog {
  readonly #options: DocumentLogOptions
  readonly #unsaved: Unsaved
  readonly #coverage: SeqCoverage
  readonly #catchUp: CatchUp
  readonly #notes = new StoredNotes()
  /** Ends the waiting after a failed append when the document ends. */
  readonly #ending = new AbortController()
  #version = 0
  #durableVersion = 0
  #ownCount = 0
  #saving: SavingState = 'ok'
  #cancelSavingCheck: Cancel | undefined
  #cancelReading: Cancel | undefined
  #isStoring = false
  #sent: SentBatch | undefined

  constructor(options: DocumentLogOptions) {
    this.#options = options
    const { head, journal, budget, onOthers } = options
    this.#unsaved = new Unsaved(budget)
    this.#coverage = new SeqCoverage(head.seq)
    this.#catchUp = new CatchUp({
      head,
      journal,
      coverage: this.#coverage,
      signal: this.#ending.signal,
      onEntries: entries => {
        this.#sent?.notice(entries)
        onOthers(entries)
      },
    })
  }

  /** Counts the changes since the document was opened. */
  get version(): number {
    return this.#version
  }

  get durableVersion(): number {
    return this.#durableVersion
  }

  /** All entries up to this one are in the document. */
  get seq(): number {
    return this.#coverage.seq
  }

  /** Changes made through this node, the durable ones included, since the document was opened. */
  get ownCount(): number {
    return this.#ownCount
  }

  /** How much of them is durable, and where since the last time it was asked for. */
  takeNote(): StoredNote {
    return this.#notes.take()
  }

  /** What is in the document and this node has still to store, oldest first. */
  get unsaved(): readonly NewEntry[] {
    return this.#unsaved.entries
  }

  get unsavedCount(): number {
    return this.#unsaved.count
  }

  get saving(): SavingState {
    return this.#saving
  }

  /** Takes a change of this node's; it is durable when `onDurable` names its version. */
  push(entry: NewEntry): void {
    this.#ownCount += 1
    this.#push(entry, { kind: 'own', count: this.#ownCount })
  }

  /** Takes a change that another node was to store, so that what comes next can lean on it. */
  adopt({ author, at, handsOver, update }: Omit<NewEntry, 'request'>): void {
    this.#push({ author, at, update, handsOver: handsOver ?? false }, { kind: 'adopted' })
  }

  #push(entry: NewEntry, source: UnsavedSource): void {
    const { clock, notSavingAfterMs } = this.#options
    this.#version += 1
    this.#unsaved.push(entry, { since: clock.monotonic(), source })
    this.#cancelSavingCheck ??= clock.after(notSavingAfterMs, () => this.#checkSaving())
    this.#wake()
  }

  /**
   * Takes a change that nobody may see before it is durable; `onStored` hands it over then. It
   * resolves with its seq. It rejects when the store does not take it at once: it has not
   * happened, unless the store lost its answer, and then the next append finds it.
   */
  pushGuarded({ entry, conditions }: Pick<GuardedChange, 'entry' | 'conditions'>): Promise<number> {
    return new Promise((resolve, reject) => {
      const change = { entry, conditions, resolve, reject }
      const since = this.#options.clock.monotonic()
      this.#unsaved.push(entry, { since, source: { kind: 'guarded', change } })
      this.#wake()
    })
  }

  /** Reads what others have stored, up to `seq`. Rejects when the journal cannot be read now. */
  async catchUp(seq: number): Promise<void> {
    await this.#catchUp.to(seq)
  }

  /** Another node says where some of its entries are; the document has them. */
  covers(ranges: StoredNote['ranges']): void {
    for (const range of ranges) this.#coverage.add(range)
  }

  #wake(): void {
    if (this.#isStoring) return
    this.#isStoring = true
    void this.#storeUntilClean()
  }

  /** Lets go of what is not durable. */
  end(error: WeftError): void {
    this.#ending.abort()
    this.#cancelSavingCheck?.()
    this.#cancelReading?.()
    for (const { reject } of this.#unsaved.takeGuarded()) reject(error)
    this.#unsaved.drop()
  }

  /**
   * One append at a time, in order: an entry that depends on another must never be durable before
   * it, or a crash between the two would leave an acknowledged edit that cannot be integrated.
   */
  async #storeUntilClean(): Promise<void> {
    // One microtask later, so that the changes of one burst go together.
    await Promise.resolve()
    let attempt = 0
    while (!this.#unsaved.isEmpty && !this.#ending.signal.aborted) {
      try {
        if (attempt > 0 && (await this.#findLostAnswer())) {
          attempt = 0
          continue
        }
        await this.#storeBatch()
        attempt = 0
      } catch (error) {
        attempt += 1
        if (this.#refuseGuarded(toWeftError(error))) continue
        if (await this.#waitAfter(toWeftError(error), attempt)) continue
        return
      }
    }
    this.#isStoring = false
  }

  async #storeBatch(): Promise<void> {
    const { journal, head } = this.#options
    const batch = this.#unsaved.peek(APPEND_BYTES_MAX)
    this.#sent = new SentBatch(batch)
    const { entries, guarded } = batch
    const { name, incarnation } = head
    const conditions = guarded?.conditions ?? {}
    const { seq } = await journal.append({ name, incarnation, entries, ...conditions })
    if (this.#ending.signal.aborted) return
    this.#stored(batch, seq)
    this.#readOthersLater(seq)
  }

  /**
   * Others wrote in between. What is ours does not lean on it, so nobody has to wait; and whoever
   * goes on typing over there says with the next change where it is, which spares the reading.
   */
  #readOthersLater(seq: number): void {
    if (this.#coverage.seq >= seq) return
    this.#cancelReading ??= this.#options.clock.after(NOTE_WAIT_MS, () => {
      this.#cancelReading = undefined
      this.#catchUp.to(seq).catch(() => {})
    })
  }

  #stored({ entries, sources, guarded }: UnsavedBatch, seq: number): void {
    const { onDurable, onStored } = this.#options
    const bytes = entries.reduce((sum, entry) => sum + entry.update.byteLength, 0)
    this.#sent = undefined
    this.#unsaved.shift(entries.length)
    this.#coverage.add({ from: seq - entries.length + 1, to: seq })
    // In the document before anybody is told that it is durable, or a reader could miss it.
    if (guarded === null) this.#durableVersion += entries.length
    else {
      this.#ownCount += 1
      onStored(entries)
    }
    this.#notes.add({ sources, seq, ownCount: this.#ownCount })
    const { durableVersion: version } = this
    onDurable({ version, seq: this.seq, entries: entries.length, bytes })
    guarded?.resolve(seq)
    if (this.#saving === 'failing') this.#checkSaving()
  }

  /**
   * The append failed, and perhaps its answer alone was lost: what the journal has by now is read
   * before anything is sent again, unless somebody else has read it since. True when the batch is
   * there.
   */
  async #findLostAnswer(): Promise<boolean> {
    const { journal, head } = this.#options
    const [position] = await journal.positions([head.name])
    if (position?.incarnation !== head.incarnation) return false
    await this.#catchUp.to(position.seq)
    const { foundAt, batch } = this.#sent ?? {}
    // A guarded change was refused by now: it is what somebody else has written.
    if (foundAt === undefined || batch?.guarded !== null) return false
    if (this.#ending.signal.aborted) return false
    this.#stored(batch, foundAt)
    return true
  }

  /** Guarded changes do not wait for better days: whoever made them is told, and may try again. */
  #refuseGuarded(error: WeftError): boolean {
    const isOwn = this.#unsaved.peek(APPEND_BYTES_MAX).guarded !== null
    for (const { reject } of this.#unsaved.takeGuarded()) reject(error)
    return isOwn
  }

  /** True when another try makes sense. */
  async #waitAfter(error: WeftError, attempt: number): Promise<boolean> {
    const { clock, random, log, onRefused } = this.#options
    if (this.#ending.signal.aborted) return false
    if (!error.retryable) {
      log.error({ code: error.code, reason: error.message }, this.#unsavedSentence())
      onRefused(error)
      return false
    }
    // The first failure is told loudly, the hundredth of the same outage is not.
    const why = { code: error.code, reason: error.message, attempt }
    log[attempt === 1 ? 'warn' : 'debug'](why, 'not stored, trying again')
    await sleep(clock, backoffMs(attempt, random, RETRY), this.#ending.signal)
    return true
  }

  /** Has the oldest change waited too long? Runs when it would have, and after an outage. */
  #checkSaving(): void {
    const { clock, notSavingAfterMs } = this.#options
    this.#cancelSavingCheck?.()
    this.#cancelSavingCheck = undefined
    const since = this.#unsaved.oldestSince
    if (since === undefined) return this.#setSaving('ok')
    const remainingMs = since + notSavingAfterMs - clock.monotonic()
    this.#setSaving(remainingMs <= 0 ? 'failing' : 'ok')
    if (remainingMs <= 0) return
    this.#cancelSavingCheck = clock.after(remainingMs, () => this.#checkSaving())
  }

  #setSaving(state: SavingState): void {
    if (this.#saving === state) return
    this.#saving = state
    const { log, onSaving } = this.#options
    if (state === 'failing') log.error(this.#unsavedSentence())
    else log.info('all edits are durable again')
    onSaving(state)
  }

  #unsavedSentence(): string {
    return `${this.#unsaved.count} edits of ${quoteName(this.#options.head.name)} are not stored`
  }
}
