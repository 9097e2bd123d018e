/** Puts a snapshot when enough entries have come since the last one, so that opening stays fast. */
import type { Clock } from '../../shared/clock.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { Logger } from '../base/log.ts'
import type { Folder } from './folder.ts'
import type { Journal } from './journal.ts'

export type CompactionLimits = {
  /** Fewest entries, and fewest bytes, since the last snapshot that make a new one worth it. */
  readonly entriesMin: number
  readonly bytesMin: number
}

export type CompactionOptions = CompactionLimits & {
  readonly journal: Journal
  readonly folder: Folder
  readonly clock: Clock
  readonly log: Logger
  readonly onSnapshot?: (name: DocumentName, report: SnapshotReport) => void
}

export type SnapshotReport = {
  readonly outcome: 'put' | 'stale' | 'failed'
  /** Size of the state; 0 when it could not be made. */
  readonly bytes: number
}

/** What lies behind the newest snapshot of a document. */
export type Tail = {
  readonly entries: number
  readonly bytes: number
  readonly snapshotBytes: number
}

/** More entries than this are never left unfolded, however large the document is. */
const ENTRIES_MAX = 20_000
/** One entry for each so many bytes of snapshot: writing it costs every entry at most that much. */
const SNAPSHOT_BYTES_PER_ENTRY = 100

/**
 * Is it time? The larger the snapshot, the more entries it waits for: a snapshot of a megabyte
 * every 500 keystrokes would write two thousand bytes a keystroke, and this writes about a hundred.
 */
export function isDue({ entries, bytes, snapshotBytes }: Tail, limits: CompactionLimits): boolean {
  const bySize = Math.min(ENTRIES_MAX, snapshotBytes / SNAPSHOT_BYTES_PER_ENTRY)
  return (
    entries >= Math.max(limits.entriesMin, bySize) ||
    (entries > 1 && bytes >= Math.max(limits.bytesMin, snapshotBytes))
  )
}

export class Compaction {
  readonly #options: CompactionOptions
  /** Documents to fold, each once, oldest first; one is folded at a time. */
  readonly #due = new Set<DocumentName>()
  #working: Promise<void> | undefined
  #folding: DocumentName | undefined
  #closed = false

  constructor(options: CompactionOptions) {
    this.#options = options
  }

  /** Tells of a document's unfolded tail after it grew. */
  grew(name: DocumentName, tail: Tail): void {
    if (this.#closed || this.#folding === name || !isDue(tail, this.#options)) return
    this.#due.add(name)
    this.#working ??= this.#work()
  }

  /** Resolves when nothing is left to fold. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  /** Lets the fold in hand end and drops the others: they are due again at the next start. */
  async close(): Promise<void> {
    this.#closed = true
    this.#due.clear()
    await this.idle()
  }

  async #work(): Promise<void> {
    await Promise.resolve()
    for (const name of this.#due) {
      this.#due.delete(name)
      this.#folding = name
      await this.#compact(name)
    }
    this.#folding = undefined
    this.#working = undefined
  }

  async #compact(name: DocumentName): Promise<void> {
    const { journal, folder, clock, log, onSnapshot } = this.#options
    try {
      const stored = await journal.open(name)
      const last = stored?.tail.at(-1)
      if (stored === undefined || last === undefined) return
      const { head, snapshot, tail } = stored
      const { state, owners } = await folder.fold({ snapshot, tail })
      const outcome = await journal.putSnapshot({
        name,
        incarnation: head.incarnation,
        previousSeq: snapshot?.seq ?? 0,
        snapshot: { seq: last.seq, at: clock.now(), state, owners },
      })
      onSnapshot?.(name, { outcome, bytes: state.byteLength })
      log.debug({ document: name, seq: last.seq, bytes: state.byteLength, outcome }, 'snapshot')
    } catch (error) {
      // Nothing is lost by not folding: the entries are all there, and growth asks again.
      onSnapshot?.(name, { outcome: 'failed', bytes: 0 })
      log.warn({ err: error, document: name }, 'could not make a snapshot')
    }
  }
}
