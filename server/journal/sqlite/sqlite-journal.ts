/** The embedded journal: one SQLite file in a thread of its own, behind a group commit. */
import type { DocumentName } from '../../../shared/names.ts'
import { systemClock, type Clock } from '../../../shared/clock.ts'
import { GroupCommit, type AppendOutcome, type CommitReport } from '../group-commit.ts'
import type {
  Append,
  Creation,
  Damage,
  Journal,
  JournalHealth,
  ListQuery,
  SnapshotPut,
} from '../journal.ts'
import { JournalThread, fromWire } from './journal-thread.ts'
import { lockDataDir } from './sqlite-files.ts'

export type SqliteJournalOptions = {
  /** The folder of `weft.sqlite`. */
  readonly dataDir: string
  /** Brings the file's schema up to date; run once the folder is ours. */
  readonly migrate: () => Promise<unknown>
  readonly clock?: Clock
  readonly queueEntriesMax?: number
  readonly queueBytesMax?: number
  readonly batchBytesMax?: number
  readonly paceMs?: number
  readonly onCommit?: (commit: CommitReport) => void
  readonly onDamage?: (name: DocumentName, damage: Damage) => void
}

const QUEUE_ENTRIES_MAX = 100_000
const QUEUE_BYTES_MAX = 64 << 20
/** A commit costs 0.1 to 0.2 ms of a core before anything is in it: at most 1 % of one goes there. */
const PACE_MS = 20
const BATCH_BYTES_MAX = 4 << 20

/**
 * Opens the journal and takes the data folder for this process; rejects with a sentence for the
 * operator when another process has it.
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  const unlock = lockDataDir(options.dataDir)
  try {
    // Locked first: nobody migrates a file that another server has open.
    await options.migrate()
    return new SqliteJournal(options, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

class SqliteJournal implements Journal {
  readonly writers = 'exclusive'
  readonly #unlock: () => void
  readonly #thread: JournalThread
  readonly #commits: GroupCommit
  readonly #brokenListeners: ((reason: string) => void)[] = []
  #state: JournalHealth['state'] = { kind: 'ok' }

  constructor(options: SqliteJournalOptions, unlock: () => void) {
    this.#unlock = unlock
    this.#thread = new JournalThread(options.dataDir, {
      onDamage: (name, damage) => options.onDamage?.(name, damage),
      onBroken: reason => this.#onBroken(reason),
    })
    this.#commits = new GroupCommit({
      commit: batch => this.#commit(batch),
      clock: options.clock ?? systemClock,
      queueEntriesMax: options.queueEntriesMax ?? QUEUE_ENTRIES_MAX,
      queueBytesMax: options.queueBytesMax ?? QUEUE_BYTES_MAX,
      paceMs: options.paceMs ?? PACE_MS,
      batchBytesMax: options.batchBytesMax ?? BATCH_BYTES_MAX,
      ...(options.onCommit === undefined ? {} : { onCommit: options.onCommit }),
    })
  }

  append(append: Append) {
    return this.#commits.append(append)
  }

  async #commit(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    try {
      const answers = await this.#thread.ask('append', batch)
      if (this.#state.kind === 'failing') this.#state = { kind: 'ok' }
      return answers.map((answer): AppendOutcome =>
        answer.ok ? answer : { ok: false, error: fromWire(answer.error) },
      )
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (this.#state.kind !== 'broken') this.#state = { kind: 'failing', reason }
      throw error
    }
  }

  open(name: DocumentName, create?: Creation) {
    return this.#thread.ask('open', create === undefined ? { name } : { name, create })
  }

  head(name: DocumentName) {
    return this.#thread.ask('head', name)
  }

  list(query: ListQuery) {
    return this.#thread.ask('list', query)
  }

  entries(name: DocumentName, afterSeq: number, limit: number) {
    return this.#thread.ask('entries', { name, afterSeq, limit })
  }

  positions(names: readonly DocumentName[]) {
    return this.#thread.ask('positions', names)
  }

  request(name: DocumentName, key: string) {
    return this.#thread.ask('request', { name, key })
  }

  putSnapshot(put: SnapshotPut) {
    return this.#thread.ask('putSnapshot', put)
  }

  async remove(name: DocumentName, by: string, at: number) {
    // What was appended before the removal belongs to the history of the life that ends.
    // Not until nothing waits: on a busy server that is never.
    await this.#commits.barrier()
    return this.#thread.ask('remove', { name, by, at })
  }

  inspect(name: DocumentName) {
    return this.#thread.ask('inspect', name)
  }

  health(): JournalHealth {
    const { queuedEntries, queuedBytes } = this.#commits
    return { state: this.#state, queuedEntries, queuedBytes }
  }

  onBroken(listener: (reason: string) => void): void {
    this.#brokenListeners.push(listener)
  }

  #onBroken(reason: string): void {
    this.#state = { kind: 'broken', reason }
    for (const listener of this.#brokenListeners) listener(reason)
  }

  async close(): Promise<void> {
    await this.#commits.idle()
    await this.#thread.close()
    this.#unlock()
  }
}
