/** The journal's SQL, prepared once. */
import type { Database, Statement } from 'better-sqlite3'
import type { DocumentName } from '../../../shared/names.ts'
import type { DocumentRow, EntryRow, HeadFacts, SnapshotRow } from '../stored-rows.ts'

/** What a statement takes and gives. */
export interface Statements extends DocumentStatements, EntryStatements, SnapshotStatements {}

interface DocumentStatements {
  living: Statement<[DocumentName], DocumentRow>
  newestLife: Statement<[DocumentName], DocumentRow>
  list: Statement<[{ after: string; prefix: string; end: string; limit: number }], DocumentRow>
  insertDocument: Statement<[DocumentName, string, number, string, number]>
  markDeleted: Statement<[number, string, number]>
  moveSchema: Statement<[{ id: number; from: number; to: number }]>
}

interface EntryStatements {
  insertEntry: Statement<
    [number, number, number, string, number, Uint8Array, number, string | null, string | null]
  >
  request: Statement<[number, string], { seq: number; digest: string }>
  headSeq: Statement<[{ id: number }], { seq: number }>
  headFacts: Statement<[{ id: number; createdAt: number }], HeadFacts>
  entriesAfter: Statement<[number, number], EntryRow>
  entriesPage: Statement<[number, number, number], EntryRow>
  authors: Statement<[number], { author: string; entries: number; lastAt: number }>
}

interface SnapshotStatements {
  snapshotBefore: Statement<[number, number], SnapshotRow>
  snapshotList: Statement<[number], { seq: number; at: number; bytes: number; quarantined: number }>
  newestSnapshot: Statement<[number], { seq: number | null }>
  insertSnapshot: Statement<[number, number, number, Uint8Array, string | null, number]>
  dropSnapshots: Statement<[{ id: number; kept: number }]>
  quarantine: Statement<[number, number, number]>
}

export function prepare(db: Database): Statements {
  return { ...prepareDocuments(db), ...prepareEntries(db), ...prepareSnapshots(db) }
}

const documentColumns = `id, name, incarnation, created_at AS createdAt, created_by AS createdBy,
  deleted_at AS deletedAt, schema_version AS schema`

function prepareDocuments(db: Database): DocumentStatements {
  return {
    living: db.prepare(
      `SELECT ${documentColumns} FROM documents WHERE name = ? AND deleted_at IS NULL`,
    ),

    newestLife: db.prepare(
      `SELECT ${documentColumns} FROM documents WHERE name = ? ORDER BY id DESC LIMIT 1`,
    ),

    list: db.prepare(
      `SELECT ${documentColumns} FROM documents
       WHERE deleted_at IS NULL AND name > :after AND name >= :prefix AND name < :end
       ORDER BY name LIMIT :limit`,
    ),

    insertDocument: db.prepare(
      'INSERT INTO documents (name, incarnation, created_at, created_by, schema_version) VALUES (?, ?, ?, ?, ?)',
    ),

    markDeleted: db.prepare('UPDATE documents SET deleted_at = ?, deleted_by = ? WHERE id = ?'),

    moveSchema: db.prepare(
      'UPDATE documents SET schema_version = :to WHERE id = :id AND schema_version = :from',
    ),
  }
}

function prepareEntries(db: Database): EntryStatements {
  return {
    insertEntry: db.prepare(
      `INSERT INTO entries
         (document_id, seq, at, author, hands_over, bytes, checksum, request_key, request_digest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),

    request: db.prepare(
      `SELECT seq, request_digest AS digest FROM entries
       WHERE document_id = ? AND request_key = ?`,
    ),

    headSeq: db.prepare(
      `SELECT max(
         coalesce((SELECT max(seq) FROM entries WHERE document_id = :id), 0),
         coalesce((SELECT max(seq) FROM snapshots
                   WHERE document_id = :id AND quarantined_at IS NULL), 0)
       ) AS seq`,
    ),

    headFacts: db.prepare(
      `WITH base AS (
         SELECT seq, at, length(bytes) AS bytes FROM snapshots
         WHERE document_id = :id AND quarantined_at IS NULL ORDER BY seq DESC LIMIT 1
       ), tail AS (
         SELECT count(*) AS entries, max(seq) AS seq, total(length(bytes)) AS bytes FROM entries
         WHERE document_id = :id AND seq > coalesce((SELECT seq FROM base), 0)
       ), last AS (
         SELECT at FROM entries WHERE document_id = :id ORDER BY seq DESC LIMIT 1
       )
       SELECT coalesce(tail.seq, (SELECT seq FROM base), 0) AS seq,
         coalesce((SELECT at FROM last), (SELECT at FROM base), :createdAt) AS updatedAt,
         CAST(tail.bytes + coalesce((SELECT bytes FROM base), 0) AS INTEGER) AS bytes
       FROM tail`,
    ),

    entriesAfter: db.prepare(
      `SELECT seq, at, author, hands_over AS handsOver, bytes, checksum FROM entries
       WHERE document_id = ? AND seq > ? ORDER BY seq`,
    ),

    entriesPage: db.prepare(
      `SELECT seq, at, author, hands_over AS handsOver, bytes, checksum FROM entries
       WHERE document_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),

    authors: db.prepare(
      `SELECT author, count(*) AS entries, max(at) AS lastAt FROM entries
       WHERE document_id = ? GROUP BY author ORDER BY lastAt DESC LIMIT 100`,
    ),
  }
}

function prepareSnapshots(db: Database): SnapshotStatements {
  return {
    snapshotBefore: db.prepare(
      `SELECT seq, at, bytes, owners, checksum FROM snapshots
       WHERE document_id = ? AND quarantined_at IS NULL AND seq < ? ORDER BY seq DESC LIMIT 1`,
    ),

    snapshotList: db.prepare(
      `SELECT seq, at, length(bytes) AS bytes, quarantined_at IS NOT NULL AS quarantined
       FROM snapshots WHERE document_id = ? ORDER BY seq DESC`,
    ),

    newestSnapshot: db.prepare(
      `SELECT max(seq) AS seq FROM snapshots WHERE document_id = ? AND quarantined_at IS NULL`,
    ),

    insertSnapshot: db.prepare(
      `INSERT OR IGNORE INTO snapshots (document_id, seq, at, bytes, owners, checksum)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),

    dropSnapshots: db.prepare(
      `DELETE FROM snapshots WHERE document_id = :id AND quarantined_at IS NULL AND seq NOT IN (
         SELECT seq FROM snapshots WHERE document_id = :id AND quarantined_at IS NULL
         ORDER BY seq DESC LIMIT :kept)`,
    ),

    quarantine: db.prepare(
      'UPDATE snapshots SET quarantined_at = ? WHERE document_id = ? AND seq = ?',
    ),
  }
}
