/** Holds acknowledgements back until the journal says durable; gives them out in order. */
import type { SyncStatus } from '../../shared/frames.ts'

/** What a received update waits for. */
type Waiting =
  /** Durable, once change `version` is. */
  | { kind: 'version'; version: number; readonly since: number }
  /** The client has been asked for what it lacks, and has not sent that; null: it is not known. */
  | { kind: 'repair'; readonly update: Uint8Array | null; readonly since: number }
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
  #total = 0
  #repairs = 0
  #repairBytes = 0
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

  /** Bytes of updates that are kept until they are in the document. */
  get repairBytes(): number {
    return this.#repairBytes
  }

  /** An update is not in the document; the client will be asked for all that is missing. */
  awaitsRepair(update: Uint8Array | null): void {
    this.#waiting.push({ kind: 'repair', update, since: this.#options.now() })
    this.#repairBytes += update?.byteLength ?? 0
    this.#repairs += 1
  }

  refused(): void {
    this.#waiting.push({ kind: 'refused' })
    this.#release()
  }

  /**
   * The client sent something. What waited for it and is in the document by now, as `versionOf`
   * says, is as durable as that version; an answer alone (`version`) proves nothing, for it may
   * hold less than was asked for. Returns how many still wait.
   */
  repaired(version: number, versionOf: (update: Uint8Array) => number | undefined): number {
    if (this.#repairs === 0) return 0
    this.#repairs = 0
    this.#repairBytes = 0
    this.#waiting = this.#waiting.map((one): Waiting => {
      if (one.kind !== 'repair') return one
      const found = one.update === null ? version : versionOf(one.update)
      if (found !== undefined) return { kind: 'version', version: found, since: one.since }
      this.#repairs += 1
      this.#repairBytes += one.update?.byteLength ?? 0
      return one
    })
    this.#release()
    return this.#repairs
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
    const seq = this.#seq
    this.#total += count
    const total = this.#total
    if (countsAcknowledgements) return acknowledge({ saved, count, seq, total })
    for (let i = 0; i < count; i++) acknowledge({ saved, count: 1, seq, total })
  }
}
