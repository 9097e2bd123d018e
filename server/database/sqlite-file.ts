/** The one way in which this room opens the embedded database file. */
import Sqlite from 'better-sqlite3'

export function openSqliteFile(file: string): Sqlite.Database {
  const database = new Sqlite(file)
  database.pragma('journal_mode = WAL')
  // FULL, because WAL alone keeps a commit in memory until the next checkpoint.
  database.pragma('synchronous = FULL')
  // On macOS fsync alone leaves bytes in the drive; elsewhere this is a no-op.
  database.pragma('fullfsync = ON')
  // The journal's thread writes to the same file.
  database.pragma('busy_timeout = 5000')
  return database
}
