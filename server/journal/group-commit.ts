/** Gathers the appends of all documents into one commit after the other, at the disk's own pace. */
import { WeftError, toWeftError, type ErrorCode } from '../../shared/errors.ts'
import { sleep, type Clock } from '../../shared/clock.ts'
import type { Append } from './journal.ts'

/** What became of one append: the seq of its last entry, or why it was refused. */
export type AppendOutcome =
  | { readonly ok: true; readonly seq: number }
  | { readonly ok: false; readonly error: WeftError }

export function refusedAppend(code: ErrorCode, sentence: string): AppendOutcome {
  return { ok: false, error: new WeftError(code, sentence) }
}

export type GroupCommitOptions = {
  /** Stores all appends in one commit; rejects when the commit as a whole failed. */
  readonly commit: (batch: readonly Append[]) => Promise<readonly AppendOutcome[]>
  readonly clock: Clock
  /** Most entries and bytes that may wait; more is refused with JOURNAL_FULL. */
  readonly queueEntriesMax: number
  readonly queueBytesMax: number
  /** A commit takes at most this many bytes (one larger append still goes, alone). */
  readonly batchBytesMax: number
  /**
   * Least time between the starts of two commits. Nobody waits while the journal is idle; under
   * load more appends share a commit, and the processor has less to do.
   */
  readonly paceMs: number
  readonly onCommit?: (commit: CommitReport) => void
}

export type CommitReport = {
  readonly outcome: 'ok' | 'failed'
  readonly entries: number
  readonly bytes: number
  readonly tookMs: number
}

type Waiting = {
  readonly append: Append
  readonly bytes: number
  readonly resolve: (receipt: { seq: number }) => void
  readonly reject: (error: WeftError) => void
  /** Settles with the answer, and never rejects. */
  readonly answered: Promise<void>
}

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #waiting: Waiting[] = []
  #beingWritten: readonly Waiting[] = []
  #queuedEntries = 0
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  /** When the last commit began, ms of the monotonic clock. */
  #startedAt = Number.NEGATIVE_INFINITY

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  get queuedEntries(): number {
    return this.#queuedEntries
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  append(append: Append): Promise<{ seq: number }> {
    const bytes = append.entries.reduce((sum, entry) => sum + entry.update.byteLength, 0)
    const { queueEntriesMax, queueBytesMax } = this.#options
    const full =
      this.#queuedEntries + append.entries.length > queueEntriesMax ||
      this.#queuedBytes + bytes > queueBytesMax
    // An append that alone is over the limit may go when nothing else waits: it must not starve.
    if (full && this.#queuedEntries > 0) {
      const sentence = `${this.#queuedEntries} entries of ${this.#queuedBytes} bytes wait already`
      return Promise.reject(new WeftError('JOURNAL_FULL', sentence, { retryAfterMs: 1_000 }))
    }
    this.#queuedEntries += append.entries.length
    this.#queuedBytes += bytes
    const { promise, resolve, reject } = Promise.withResolvers<{ seq: number }>()
    const answered = promise.then(
      () => {},
      () => {},
    )
    this.#waiting.push({ append, bytes, resolve, reject, answered })
    this.#writing ??= this.#writeUntilEmpty()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** Resolves when everything that waits now has been answered, whatever comes behind it. */
  async barrier(): Promise<void> {
    const last = this.#waiting.at(-1) ?? this.#beingWritten.at(-1)
    await last?.answered
  }

  async #writeUntilEmpty(): Promise<void> {
    // One microtask later, so that appends of the same turn share the first commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      await this.#keepPace()
      this.#beingWritten = this.#takeBatch()
      await this.#write(this.#beingWritten)
      this.#beingWritten = []
    }
    this.#writing = undefined
  }

  async #keepPace(): Promise<void> {
    const { clock, paceMs } = this.#options
    const remainingMs = this.#startedAt + paceMs - clock.monotonic()
    if (remainingMs > 0) await sleep(clock, remainingMs)
    this.#startedAt = clock.monotonic()
  }

  #takeBatch(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > this.#options.batchBytesMax) break
      bytes += waiting.bytes
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const { commit, clock, onCommit } = this.#options
    const startedAt = clock.monotonic()
    const entries = batch.reduce((sum, { append }) => sum + append.entries.length, 0)
    const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0)
    let outcome: CommitReport['outcome'] = 'ok'
    let answers: readonly AppendOutcome[]
    try {
      answers = await commit(batch.map(({ append }) => append))
    } catch (error) {
      outcome = 'failed'
      const refusal: AppendOutcome = { ok: false, error: toWeftError(error) }
      answers = batch.map(() => refusal)
    }
    this.#queuedEntries -= entries
    this.#queuedBytes -= bytes
    onCommit?.({ outcome, entries, bytes, tookMs: clock.monotonic() - startedAt })
    batch.forEach(({ resolve, reject }, index) => {
      const answer = answers[index]
      if (answer?.ok === true) resolve({ seq: answer.seq })
      else reject(answer?.error ?? new WeftError('INTERNAL', 'the commit gave no answer'))
    })
  }
}
