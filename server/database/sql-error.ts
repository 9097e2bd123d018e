/** Errors of the database: what it says of a statement, and that it is not there to say anything. */
import { WeftError } from '../../shared/errors.ts'

/**
 * A statement that the database refused. The code and the sentence alone: details of Postgres show
 * rows, and whatever hangs on an error ends in a log.
 */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  /** Of SQLite such as `SQLITE_CONSTRAINT_UNIQUE`, of Postgres a SQLSTATE such as `23505`. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'])

/** There is such a row already: the table's way to say that somebody else was first. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof SqlError && UNIQUE.has(error.code)
}

/** The database is away, full, broken or overtaxed: the same statement may work later. */
const WEATHER =
  /^(SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|NOMEM|CORRUPT|NOTADB|PROTOCOL)|(08|40|53|55|57|58|XX))/
/** Somebody else was faster: an answer of a database that is well. */
const CONTENTION = /^(SQLITE_(BUSY|LOCKED)|40|55)/

/**
 * The error that callers see. `code` is undefined when no database said it (a connection that
 * failed, a time limit): DEPENDENCY_UNAVAILABLE, retryable, and so is all {@link WEATHER}.
 */
export function toDatabaseError(code: string | undefined, message: string): SqlError | WeftError {
  if (code !== undefined && !WEATHER.test(code)) return new SqlError(code, message)
  const sentence = code === undefined ? message : `${code}: ${message}`
  return new WeftError('DEPENDENCY_UNAVAILABLE', `the database: ${sentence}`, {
    retryAfterMs: 1_000,
    ...(code === undefined ? {} : { cause: new SqlError(code, message) }),
  })
}

/** For a circuit breaker: was it the database that failed, and not the statement? */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof WeftError)) return false
  return !(error.cause instanceof SqlError && CONTENTION.test(error.cause.code))
}
