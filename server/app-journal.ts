/** The journal that the settings ask for, and how it is. */
import type { Clock } from '../shared/clock.ts'
import type { DocumentName } from '../shared/names.ts'
import type { Breakers } from './base/breaker.ts'
import type { HealthReport } from './base/health.ts'
import type { Logger } from './base/log.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import { migratePostgres } from './database/postgres-database.ts'
import { migrateSqliteFile } from './database/sqlite-database.ts'
import type { CommitReport } from './journal/group-commit.ts'
import type { Damage, Journal } from './journal/journal.ts'
import { isDataError } from './journal/postgres/database.ts'
import { openPostgresJournal } from './journal/postgres/postgres-journal.ts'
import { sqliteFiles } from './journal/sqlite/sqlite-files.ts'
import { openSqliteJournal } from './journal/sqlite/sqlite-journal.ts'

type JournalParts = {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly breakers: Breakers
}

export function openJournal(
  config: Config,
  { clock, log, metrics, breakers }: JournalParts,
): Promise<Journal> {
  const common = {
    clock,
    queueEntriesMax: config.WEFT_JOURNAL_QUEUE_ENTRIES,
    queueBytesMax: config.WEFT_MAX_UNSAVED_BYTES,
    batchBytesMax: config.WEFT_JOURNAL_BATCH_BYTES,
    paceMs: config.WEFT_COMMIT_PACE_MS,
    onCommit({ outcome, entries, bytes, tookMs }: CommitReport) {
      metrics.journalCommits.inc({ outcome })
      metrics.journalCommitSeconds.observe(tookMs / 1000)
      if (outcome === 'failed') return
      metrics.journalEntries.inc(entries)
      metrics.journalBytes.inc(bytes)
    },
    onDamage(name: DocumentName, { kind, seq, sentence }: Damage) {
      metrics.journalDamage.inc({ kind })
      log.error({ document: name, kind, seq }, `damage in the store: ${sentence}`)
    },
  }
  const { WEFT_DATABASE_URL: url, WEFT_DATA_DIR: dataDir } = config
  if (url === undefined) {
    const migrate = () => migrateSqliteFile(sqliteFiles(dataDir).database)
    return openSqliteJournal({ ...common, dataDir, migrate })
  }
  return openPostgresJournal({
    ...common,
    url,
    poolMax: config.WEFT_DATABASE_POOL,
    timeoutMs: config.WEFT_DATABASE_TIMEOUT_MS,
    // What the database says of values that it was given is an answer.
    guard: breakers.breaker('postgres', {
      isFailure: error => !isDataError(error),
      resetMs: POSTGRES_RESET_MS_MAX,
    }).run,
    migrate: () => migratePostgres(url),
  })
}

/** A probe is one statement, and while it waits nobody's edits are saved. */
const POSTGRES_RESET_MS_MAX = 1_000

export function journalReport(journal: Journal): HealthReport {
  const { state, queuedEntries, queuedBytes } = journal.health()
  const queue = { queuedEntries, queuedBytes }
  if (state.kind === 'ok') return { status: 'ok', ...queue }
  return { status: 'down', reason: state.reason, ...queue }
}
