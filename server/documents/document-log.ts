/** One document's way to the disk: its changes go to the journal one batch at a time, in order. */
import { backoffMs } from '../../shared/backoff.ts'
import { sleep, type Cancel, type Clock } from '../../shared/clock.ts'
import { toWeftError, type WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { DocumentHead, Journal, NewEntry } from '../journal/journal.ts'
import { Unsaved, type GuardedChange, type UnsavedBudget } from './unsaved.ts'

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
  /** Entries that are durable and not in the document: a guarded change, or another writer's. */
  readonly onStored: (entries: readonly NewEntry[]) => void
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

export class DocumentLog {
  readonly #options: DocumentLogOptions
  readonly #unsaved: Unsaved
  /** Ends the waiting after a failed append when the document ends. */
  readonly #ending = new AbortController()
  #version = 0
  #durableVersion = 0
  #seq: number
  #saving: SavingState = 'ok'
  #cancelSavingCheck: Cancel | undefined
  #isStoring = false

  constructor(options: DocumentLogOptions) {
    this.#options = options
    this.#unsaved = new Unsaved(options.budget)
    this.#seq = options.head.seq
  }

  /** Counts the changes since the document was opened. */
  get version(): number {
    return this.#version
  }

  get durableVersion(): number {
    return this.#durableVersion
  }

  /** Seq of the last durable entry. */
  get seq(): number {
    return this.#seq
  }

  get unsavedCount(): number {
    return this.#unsaved.count
  }

  get saving(): SavingState {
    return this.#saving
  }

  /** Takes a change; it is durable when `onDurable` names its version. */
  push({ handsOver, ...change }: Omit<NewEntry, 'at'>): void {
    const { clock, notSavingAfterMs } = this.#options
    this.#version += 1
    const mark = handsOver === true ? { handsOver } : {}
    this.#unsaved.push({ ...change, ...mark, at: clock.now() }, clock.monotonic())
    this.#cancelSavingCheck ??= clock.after(notSavingAfterMs, () => this.#checkSaving())
    this.#wake()
  }

  /**
   * Takes a change that nobody may see before it is durable; `onStored` hands it over then. It
   * resolves with its seq. It rejects when the store does not take it at once: it has not
   * happened, unless the store lost its answer, and then the next append finds it.
   */
  pushGuarded(change: Pick<GuardedChange, 'entry' | 'schema'>): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#unsaved.pushGuarded({ ...change, resolve, reject }, this.#options.clock.monotonic())
      this.#wake()
    })
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
    const { journal, head, onDurable } = this.#options
    const { entries, guarded } = this.#unsaved.peek(APPEND_BYTES_MAX)
    const { name, incarnation } = head
    const schema = guarded?.schema === undefined ? {} : { schema: guarded.schema }
    const { seq } = await journal.append({ name, incarnation, entries, ...schema })
    if (this.#ending.signal.aborted) return
    await this.#catchUp(seq - entries.length)
    if (this.#ending.signal.aborted) return
    const bytes = entries.reduce((sum, entry) => sum + entry.update.byteLength, 0)
    this.#unsaved.shift(entries.length)
    this.#seq = seq
    // In the document before anybody is told that it is durable, or a reader could miss it.
    if (guarded !== null) this.#options.onStored(entries)
    else this.#durableVersion += entries.length
    onDurable({ version: this.#durableVersion, seq, entries: entries.length, bytes })
    guarded?.resolve(seq)
    if (this.#saving === 'failing') this.#checkSaving()
  }

  /**
   * The journal's seq has moved further than we have: another writer, or a change of ours whose
   * answer was lost. The entries in between belong into the document.
   */
  async #catchUp(upToSeq: number): Promise<void> {
    const { journal, head, onStored } = this.#options
    while (this.#seq < upToSeq) {
      const missed = await journal.entries(head.name, this.#seq, upToSeq - this.#seq)
      const last = missed.at(-1)
      if (last === undefined || this.#ending.signal.aborted) return
      onStored(missed)
      this.#seq = last.seq
    }
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
