/** Holds acknowledgements back until the journal says durable; gives them out in order. */
import type { SyncStatus } from '../../shared/frames.ts'

/** What a received update waits for. */
type Waiting =
  /** Durable, once change `version` is. */
  | { kind: 'version'; version: number; readonly since: number }
  /** The client has been asked for what was missing, and has not answered. */
  | { kind: 'repair'; readonly since: number }
  /** Refused for good; it only waits for its turn. */
  | { kind: 'refused' }

export type AckGateOptions = {
  readonly acknowledge: (status: SyncStatus) => void
  /** One frame for several updates, or one for each. */
  readonly countsAcknowledgements: boolean
  /** Told how long the oldest update of each answer waited, ms. */
  readonly onAcknowledged: (waitedMs: number) => void
  readonly now: () => number
}

export class AckGate {
  readonly #options: AckGateOptions
  #waiting: Waiting[] = []
  #durableVersion: number
  #seq: number

  constructor(
    options: AckGateOptions,
    durable: { readonly version: number; readonly seq: number },
  ) {
    this.#options = options
    this.#durableVersion = durable.version
    this.#seq = durable.seq
  }

  get size(): number {
    return this.#waiting.length
  }

  /** An update is in the document, with everything up to `version`. */
  applied(version: number): void {
    this.#waiting.push({ kind: 'version', version, since: this.#options.now() })
    this.#release()
  }

  /** An update is not in the document; the client will be asked for all that is missing. */
  awaitsRepair(): void {
    this.#waiting.push({ kind: 'repair', since: this.#options.now() })
  }

  refused(): void {
    this.#waiting.push({ kind: 'refused' })
    this.#release()
  }

  /** The client sent all that was missing: what waited for it is as durable as `version`. */
  repaired(version: number): void {
    this.#waiting = this.#waiting.map(one =>
      one.kind === 'repair' ? { kind: 'version', version, since: one.since } : one,
    )
    this.#release()
  }

  durable(version: number, seq: number): void {
    this.#durableVersion = version
    this.#seq = seq
    this.#release()
  }

  #release(): void {
    let ready = 0
    let saved = true
    while (ready < this.#waiting.length) {
      const next = this.#waiting[ready]
      if (next === undefined || !this.#isReady(next)) break
      // Neighbours with the same answer share a frame where the client can count.
      if (ready > 0 && (next.kind !== 'refused') !== saved) {
        this.#acknowledge(saved, ready)
        this.#waiting.splice(0, ready)
        ready = 0
        continue
      }
      saved = next.kind !== 'refused'
      ready += 1
    }
    if (ready === 0) return
    this.#acknowledge(saved, ready)
    this.#waiting.splice(0, ready)
  }

  #isReady(waiting: Waiting): boolean {
    if (waiting.kind === 'refused') return true
    return waiting.kind === 'version' && waiting.version <= this.#durableVersion
  }

  #acknowledge(saved: boolean, count: number): void {
    const { acknowledge, countsAcknowledgements, onAcknowledged, now } = this.#options
    // The one that waited longest speaks for all that are answered with it.
    const [oldest] = this.#waiting
    if (oldest !== undefined && oldest.kind !== 'refused') onAcknowledged(now() - oldest.since)
    if (countsAcknowledgements) return acknowledge({ saved, count, seq: this.#seq })
    for (let i = 0; i < count; i++) acknowledge({ saved, count: 1, seq: this.#seq })
  }
}
