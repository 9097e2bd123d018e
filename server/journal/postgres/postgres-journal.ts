/** The journal in Postgres, which several servers share; behind a group commit of each. */
import type { DocumentName } from '../../../shared/names.ts'
import { systemClock, type Clock } from '../../../shared/clock.ts'
import { GroupCommit, type CommitReport } from '../group-commit.ts'
import type {
  Append,
  Creation,
  Damage,
  Journal,
  JournalHealth,
  ListQuery,
  SnapshotPut,
} from '../journal.ts'
import { PostgresDatabase, type PostgresOptions } from './database.ts'
import { inspectName } from './inspect-document.ts'
import { PostgresStore } from './postgres-store.ts'

export type PostgresJournalOptions = Omit<PostgresOptions, 'clock'> & {
  /** Brings the schema up to date; servers that start together do so one after the other. */
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
const PACE_MS = 20
const BATCH_BYTES_MAX = 4 << 20

export async function openPostgresJournal(options: PostgresJournalOptions): Promise<Journal> {
  await options.migrate()
  return new PostgresJournal(options)
}

class PostgresJournal implements Journal {
  readonly writers = 'shared'
  readonly #database: PostgresDatabase
  readonly #store: PostgresStore
  readonly #commits: GroupCommit

  constructor(options: PostgresJournalOptions) {
    const clock = options.clock ?? systemClock
    this.#database = new PostgresDatabase({ ...options, clock })
    this.#store = new PostgresStore(this.#database, () => clock.now(), options.onDamage)
    this.#commits = new GroupCommit({
      commit: batch => this.#store.append(batch),
      clock,
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

  open(name: DocumentName, create?: Creation) {
    return this.#store.open(name, create)
  }

  head(name: DocumentName) {
    return this.#store.head(name)
  }

  list(query: ListQuery) {
    return this.#store.list(query)
  }

  entries(name: DocumentName, afterSeq: number, limit: number) {
    return this.#store.entries(name, afterSeq, limit)
  }

  positions(names: readonly DocumentName[]) {
    return this.#store.positions(names)
  }

  request(name: DocumentName, key: string) {
    return this.#store.request(name, key)
  }

  putSnapshot(put: SnapshotPut) {
    return this.#store.putSnapshot(put)
  }

  async remove(name: DocumentName, by: string, at: number) {
    // What was appended before the removal belongs to the history of the life that ends.
    // Not until nothing waits: on a busy server that is never.
    await this.#commits.barrier()
    return this.#store.remove(name, by, at)
  }

  inspect(name: DocumentName) {
    return inspectName(this.#database, name)
  }

  health(): JournalHealth {
    const { queuedEntries, queuedBytes } = this.#commits
    return { state: this.#database.state, queuedEntries, queuedBytes }
  }

  onBroken(): void {
    // Postgres ends its own process after a failed sync, and what it says later is read anew.
  }

  async close(): Promise<void> {
    await this.#commits.idle()
    await this.#database.close()
  }
}
