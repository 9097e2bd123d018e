/** Which topics are followed: counted for each pattern, and said anew to each connection. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import { WeftError, toWeftError } from '../../../shared/errors.ts'
import { TOPICS_MAX, topicPattern } from '../../../shared/signals.ts'

export type FollowedTopicsOptions = {
  readonly clock: Clock
  /** These and no others, from now on. Rejects with a {@link WeftError}. */
  readonly ask: (topics: readonly string[]) => Promise<unknown>
}

type Followed = {
  readonly pattern: string
  readonly onError: Set<(error: WeftError) => void>
  /** `new`: no server has taken it yet. `refused` ones are not asked for again. */
  state: 'new' | 'taken' | 'refused'
}

const RETRY_MS = 1_000

export class FollowedTopics {
  readonly #options: FollowedTopicsOptions
  readonly #followed = new Map<string, Followed>()
  /** What the server follows for us; undefined: nothing can be asked for just now. */
  #known: readonly string[] | undefined
  #isAsking = false
  /** Counts connections: what one has not answered is nothing of the next. */
  #connection = 0
  #cancelRetry: Cancel = () => {}

  constructor(options: FollowedTopicsOptions) {
    this.#options = options
  }

  /** Throws SIGNAL_INVALID for what is no pattern, and when there are too many. */
  follow(pattern: string, onError: (error: WeftError) => void): () => void {
    if (!topicPattern.safeParse(pattern).success) {
      throw new WeftError('SIGNAL_INVALID', `"${pattern}" is no pattern of topics`)
    }
    const known = this.#followed.get(pattern)
    if (known === undefined && this.#followed.size >= TOPICS_MAX) {
      throw new WeftError('SIGNAL_INVALID', `more than ${TOPICS_MAX} topics on one document`)
    }
    const entry: Followed = known ?? { pattern, onError: new Set(), state: 'new' }
    // Somebody may try again what was refused: the application may declare more by now.
    if (entry.state === 'refused') entry.state = 'new'
    // Of its own, so that one function given twice is counted twice.
    const tell = (error: WeftError) => onError(error)
    entry.onError.add(tell)
    this.#followed.set(pattern, entry)
    this.#askNext()
    return () => {
      if (!entry.onError.delete(tell) || entry.onError.size > 0) return
      if (this.#followed.get(pattern) === entry) this.#followed.delete(pattern)
      this.#askNext()
    }
  }

  began(): void {
    this.ended()
    this.#known = []
    this.#askNext()
  }

  ended(): void {
    this.#connection += 1
    this.#isAsking = false
    this.#known = undefined
    this.#cancelRetry()
  }

  /** One question at a time, with one new pattern at most: a refusal is about that one. */
  #askNext(): void {
    if (this.#known === undefined || this.#isAsking) return
    const all = [...this.#followed.values()]
    const taken = all.filter(({ state }) => state === 'taken')
    const fresh = all.find(({ state }) => state === 'new')
    const wanted = [...taken, ...(fresh === undefined ? [] : [fresh])].map(({ pattern }) => pattern)
    if (wanted.join() === this.#known.join()) return
    void this.#ask(wanted, fresh)
  }

  async #ask(wanted: readonly string[], fresh: Followed | undefined): Promise<void> {
    this.#isAsking = true
    const connection = this.#connection
    let error: WeftError | undefined
    try {
      await this.#options.ask(wanted)
    } catch (thrown) {
      error = toWeftError(thrown)
    }
    if (connection !== this.#connection) return
    this.#isAsking = false
    if (error?.retryable === true) return this.#retryIn(error.retryAfterMs ?? RETRY_MS)
    if (error !== undefined) this.#refuse(fresh, error)
    else {
      if (fresh !== undefined) fresh.state = 'taken'
      this.#known = wanted
    }
    this.#askNext()
  }

  /** What an earlier server took, another one may not know any more: then it is asked anew. */
  #refuse(fresh: Followed | undefined, error: WeftError): void {
    if (fresh === undefined) {
      for (const entry of this.#followed.values()) if (entry.state === 'taken') entry.state = 'new'
      return
    }
    fresh.state = 'refused'
    for (const tell of Array.from(fresh.onError)) tell(error)
  }

  #retryIn(ms: number): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#options.clock.after(ms, () => this.#askNext())
  }
}
