/** Events that cannot share a transaction with what they tell of: queued, and stored batch by batch. */
import { sleep, type Cancel, type Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { DenialFold } from './denial-fold.ts'
import type { AuditEvent, TimedEvent } from './audit-row.ts'

export type AuditNotesOptions = {
  /** Stores all or nothing; rejects with a retryable error when the database is away. */
  readonly store: (events: readonly TimedEvent[]) => Promise<void>
  readonly clock: Clock
  /** Of each event that was not kept, because too many wait or it cannot be stored. */
  readonly onDropped: (count: number) => void
  readonly onFailure: (error: unknown) => void
  readonly queueMax?: number
}

const QUEUE_MAX = 10_000
const BATCH_MAX = 500
/** Between two batches, so that many events share a transaction. */
const PACE_MS = 100
const RETRY_MS = 1_000

export class AuditNotes {
  readonly #options: AuditNotesOptions
  readonly #queueMax: number
  readonly #fold = new DenialFold()
  readonly #queue: TimedEvent[] = []
  /** Not kept since the last row that says so. */
  #dropped = 0
  #pumping: Promise<void> | undefined
  #cancelFold: Cancel | undefined
  readonly #closing = new AbortController()
  /** Nobody waits for the end of it any more. */
  #isOver = false

  constructor(options: AuditNotesOptions) {
    this.#options = options
    this.#queueMax = options.queueMax ?? QUEUE_MAX
  }

  /** Events that are not stored yet. */
  get waiting(): number {
    return this.#queue.length + (this.#dropped > 0 ? 1 : 0)
  }

  /** Never throws and is not waited for. */
  note(event: AuditEvent): void {
    const { clock } = this.#options
    const timed = { ...event, at: clock.now() }
    const told = event.decision === 'deny' ? this.#fold.fold(timed, clock.monotonic()) : timed
    if (told !== undefined) this.#add([told])
    this.#armFold()
  }

  /**
   * Stores what waits, the counts of denials too; resolves with how many events are left when
   * `signal` aborts. Nothing is to be noted any more.
   */
  async close(signal: AbortSignal): Promise<number> {
    this.#cancelFold?.()
    this.#add(this.#fold.end(Infinity))
    this.#closing.abort()
    const over = new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([this.#pumping, over])
    this.#isOver = true
    return this.waiting
  }

  #add(events: readonly TimedEvent[]): void {
    for (const event of events) {
      if (this.#queue.length < this.#queueMax) this.#queue.push(event)
      else this.#drop(1)
    }
    if (this.waiting > 0) this.#pumping ??= this.#pump()
  }

  #drop(count: number): void {
    this.#dropped += count
    this.#options.onDropped(count)
  }

  /** Until nothing waits. Never rejects. */
  async #pump(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#closing
    // What is noted in the same breath belongs to the first batch.
    await Promise.resolve()
    while (this.waiting > 0 && !this.#isOver) {
      const isStored = await this.#storeBatch()
      // At the end there is no time to be slow in.
      if (isStored) await sleep(clock, PACE_MS, signal)
      else if (signal.aborted) await sleep(clock, PACE_MS)
      else await sleep(clock, RETRY_MS, signal)
    }
    this.#pumping = undefined
  }

  async #storeBatch(): Promise<boolean> {
    const batch = this.#queue.slice(0, BATCH_MAX)
    const dropped = this.#dropped
    try {
      await this.#options.store(dropped > 0 ? [...batch, this.#droppedRow(dropped)] : batch)
      this.#queue.splice(0, batch.length)
      this.#dropped -= dropped
      return true
    } catch (error) {
      this.#options.onFailure(error)
      const mayRetry = error instanceof WeftError && error.retryable
      // What the database cannot take would keep all that come after it waiting for ever.
      if (!mayRetry) this.#drop(this.#queue.splice(0, batch.length).length)
      return false
    }
  }

  #droppedRow(dropped: number): TimedEvent {
    return {
      at: this.#options.clock.now(),
      actor: 'audit',
      actorKind: 'system',
      action: 'audit.drop',
      decision: 'allow',
      because: 'more happened than could be stored',
      details: { dropped },
    }
  }

  #armFold(): void {
    const { clock } = this.#options
    const end = this.#fold.nextEnd
    if (end === undefined || this.#cancelFold !== undefined) return
    this.#cancelFold = clock.after(Math.max(0, end - clock.monotonic()), () => {
      this.#cancelFold = undefined
      this.#add(this.#fold.end(clock.monotonic()))
      this.#armFold()
    })
  }
}
