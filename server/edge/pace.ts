/** How fast one socket may speak. What is too fast is not dropped: the socket is not read for a while. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Metrics } from '../base/metrics.ts'
import { Bucket, BucketTable, type Rate } from './bucket.ts'

export type PaceLimits = {
  /** Presence, questions, messages: by their number, large ones as several. Keystrokes are no such frames. */
  readonly frames: Rate
  /** Changes and states: by their bytes. */
  readonly bytes: Rate
}

export type PacesOptions = {
  readonly connection: PaceLimits
  readonly document: PaceLimits
  /** Who has been over the limits of a connection for so long is sent off. */
  readonly overMaxMs: number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** One frame that has been read. */
export type CountedFrame = {
  readonly kind: 'sync' | 'other'
  readonly bytes: number
  /** The document that the client is let in to; undefined: none, or not yet. */
  readonly document: string | undefined
}

export type PaceListener = {
  /** True: nothing more is to be read. */
  readonly onWait: (waits: boolean) => void
  /** Called once. */
  readonly onTooLong: (error: WeftError) => void
}

/** Looking at a frame costs something, however small it is. */
const FRAME_BYTES = 256
/** What is no edit and larger counts as several: four megabytes of nothing are not one question. */
const PLAIN_BYTES_MAX = 8 << 10
/**
 * A document that everybody talks about slows each of them, by so much at most: nobody is sent off
 * for what others do, and an edit is not kept waiting by everybody's carets.
 */
const DOCUMENT_WAIT_MS_MAX = 1_000

/** All sockets of this server; documents are counted over all of them. */
export class Paces {
  readonly #options: PacesOptions
  readonly #frames: BucketTable
  readonly #bytes: BucketTable

  constructor(options: PacesOptions) {
    this.#options = options
    this.#frames = new BucketTable(options.clock)
    this.#bytes = new BucketTable(options.clock)
  }

  of(listener: PaceListener): Pace {
    return new Pace({ ...this.#options, ...listener, shared: this })
  }

  /** For how many ms whoever sent it should rest. */
  countDocument(document: string, frame: CountedFrame, now: number): number {
    const limits = this.#options.document
    const bucket =
      frame.kind === 'sync'
        ? this.#bytes.of(document, limits.bytes)
        : this.#frames.of(document, limits.frames)
    return bucket.take(costOf(frame), now, DOCUMENT_WAIT_MS_MAX)
  }
}

function costOf({ kind, bytes }: CountedFrame): number {
  return kind === 'sync' ? bytes + FRAME_BYTES : Math.max(1, Math.ceil(bytes / PLAIN_BYTES_MAX))
}

type PaceOptions = PacesOptions & PaceListener & { readonly shared: Paces }

export class Pace {
  readonly #options: PaceOptions
  readonly #frames: Bucket
  readonly #bytes: Bucket
  /** Since when there was never room for the next frame at once. */
  #overSince: number | undefined
  /** Not read before that instant; it may lie in the past. */
  #waitsUntil = -Infinity
  #cancelWait: Cancel | undefined
  #state: 'open' | 'ended' = 'open'

  constructor(options: PaceOptions) {
    this.#options = options
    this.#frames = new Bucket(options.connection.frames)
    this.#bytes = new Bucket(options.connection.bytes)
  }

  count(frame: CountedFrame): void {
    if (this.#state === 'ended') return
    const { clock, shared } = this.#options
    const now = clock.monotonic()
    const bucket = frame.kind === 'sync' ? this.#bytes : this.#frames
    const ownMs = bucket.take(costOf(frame), now)
    const { document } = frame
    const sharedMs = document === undefined ? 0 : shared.countDocument(document, frame, now)
    if (ownMs > 0) this.#over(ownMs, now)
    else if (now >= this.#waitsUntil) this.#overSince = undefined
    if (ownMs > 0 || sharedMs > 0) this.#wait(Math.max(ownMs, sharedMs), now)
  }

  close(): void {
    this.#state = 'ended'
    this.#cancelWait?.()
    this.#cancelWait = undefined
  }

  #over(ownMs: number, now: number): void {
    const { overMaxMs, onTooLong } = this.#options
    this.#overSince ??= now
    // What it owes counts as time too: who sends a minute's worth at once is not read for a minute.
    if (ownMs <= overMaxMs && now - this.#overSince <= overMaxMs) return
    this.close()
    const sentence = 'more was sent, for a long time, than one connection may'
    onTooLong(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: Math.ceil(ownMs) }))
  }

  #wait(waitMs: number, now: number): void {
    if (this.#state === 'ended') return
    const { metrics, clock, onWait } = this.#options
    this.#waitsUntil = Math.max(this.#waitsUntil, now + waitMs)
    if (this.#cancelWait !== undefined) return
    metrics.rateLimited.inc({ limit: 'frames' })
    this.#cancelWait = clock.after(waitMs, () => this.#goOn())
    onWait(true)
  }

  #goOn(): void {
    const { clock, onWait } = this.#options
    const leftMs = this.#waitsUntil - clock.monotonic()
    if (leftMs > 0) {
      this.#cancelWait = clock.after(leftMs, () => this.#goOn())
      return
    }
    this.#cancelWait = undefined
    onWait(false)
  }
}
