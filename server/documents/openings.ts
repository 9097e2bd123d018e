/** What one user may have open on this node, and how fast documents are read for them. */
import { sleep, type Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Metrics } from '../base/metrics.ts'
import type { DocumentHold, Documents, OpenOptions } from './documents.ts'

export type OpeningsOptions = {
  readonly documents: Documents
  readonly clock: Clock
  readonly metrics: Metrics
  /** Different documents that one user has open, over all sockets and requests. */
  readonly documentsMax: number
  /** Readings of documents that are not in memory, of one user. */
  readonly loadsPerSecond: number
}

export type Opening = Omit<OpenOptions, 'create'> & {
  /** Whose limits it counts against; left out: those of `by`. */
  readonly user?: string
  /** Asked when it is their turn: what they may do may have changed while they waited. */
  readonly create: () => boolean
  /** Aborts when whoever asked has left. */
  readonly signal?: AbortSignal
}

type User = {
  /** How often each document is open. */
  readonly open: Map<DocumentName, number>
  /** When the bucket holds the next reading; lies in the past while it holds several. */
  nextLoadAt: number
}

/** So many seconds' worth of readings may come at once: a page that opens what it shows. */
const BURST_S = 2.5
/** Who would wait longer is told to come back instead. */
const WAIT_MS_MAX = 10_000
const ROOM_CHECK_MS = 1_000
/** Fewer users than that are not looked through for those who left. */
const SWEEP_MIN = 1_000

export class Openings {
  readonly #options: OpeningsOptions
  readonly #users = new Map<string, User>()
  readonly #intervalMs: number
  readonly #burstMs: number
  /** Aborts when the server stops: nobody waits for a turn that never comes. */
  readonly #stopping = new AbortController()
  #sweepAt = SWEEP_MIN

  constructor(options: OpeningsOptions) {
    const { loadsPerSecond } = options
    this.#options = options
    this.#intervalMs = 1_000 / loadsPerSecond
    this.#burstMs = (Math.ceil(loadsPerSecond * BURST_S) - 1) * this.#intervalMs
  }

  /**
   * Opens a document once it is this user's turn. Throws what {@link Documents.open} throws,
   * TOO_MANY_DOCUMENTS, and SLOW_DOWN where the turn is too far off.
   */
  async open(
    name: DocumentName,
    { by, user = by, signal, create }: Opening,
  ): Promise<DocumentHold> {
    const { documents } = this.#options
    // Counted before the wait: those who wait are bounded with those who have it open.
    const leave = this.#enter(user, name)
    try {
      await this.turn(name, { by, user, ...(signal && { signal }) })
      const hold = await documents.open(name, { by, create: create() })
      return {
        document: hold.document,
        release() {
          hold.release()
          leave()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Waits, in the order of asking, until the document may be read; at once if it is in memory. */
  async turn(
    name: DocumentName,
    { by, user = by, signal }: Omit<Opening, 'create'>,
  ): Promise<void> {
    const { documents, clock, metrics } = this.#options
    if (documents.has(name)) return
    const waitMs = this.#takeTurn(this.#userOf(user))
    if (waitMs === 0) return
    metrics.loadsDelayed.inc()
    const stop = this.#stopping.signal
    const end = signal === undefined ? stop : AbortSignal.any([signal, stop])
    await sleep(clock, waitMs, end)
    if (end.aborted) throw new WeftError('SHUTTING_DOWN', 'the turn is not waited for any more')
  }

  stop(): StopReport {
    this.#stopping.abort()
    return []
  }

  /**
   * A token bucket as one number (GCRA): each reading moves the next one on by the same span. A turn
   * that was taken and not used is not given back, or leaving and coming back would cost nothing.
   */
  #takeTurn(user: User): number {
    const now = this.#options.clock.monotonic()
    const at = Math.max(user.nextLoadAt, now - this.#burstMs)
    const waitMs = Math.max(0, at - now)
    if (waitMs > WAIT_MS_MAX) {
      const sentence = `more than ${this.#options.loadsPerSecond} documents a second are asked for`
      throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: Math.ceil(waitMs) })
    }
    user.nextLoadAt = at + this.#intervalMs
    return waitMs
  }

  #enter(by: string, name: DocumentName): () => void {
    const { documentsMax } = this.#options
    const { open } = this.#userOf(by)
    const count = open.get(name) ?? 0
    if (count === 0 && open.size >= documentsMax) {
      const sentence = `${by} has ${open.size} documents open (WEFT_MAX_DOCUMENTS_PER_USER)`
      throw new WeftError('TOO_MANY_DOCUMENTS', sentence, { retryAfterMs: ROOM_CHECK_MS })
    }
    open.set(name, count + 1)
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const left = (open.get(name) ?? 1) - 1
      if (left === 0) open.delete(name)
      else open.set(name, left)
    }
  }

  #userOf(by: string): User {
    const found = this.#users.get(by)
    if (found !== undefined) return found
    this.#sweep()
    const user: User = { open: new Map(), nextLoadAt: -Infinity }
    this.#users.set(by, user)
    return user
  }

  /** Forgets who has nothing open and a full bucket, whenever the table has doubled. */
  #sweep(): void {
    if (this.#users.size < this.#sweepAt) return
    const full = this.#options.clock.monotonic() - this.#burstMs
    for (const [by, { open, nextLoadAt }] of this.#users) {
      if (open.size === 0 && nextLoadAt <= full) this.#users.delete(by)
    }
    this.#sweepAt = Math.max(SWEEP_MIN, this.#users.size * 2)
  }
}
