/** The journal's SQL, prepared once. */
import type { Database } from 'better-sqlite3'
import type { DocumentName } from '../../../shared/names.ts'
import type { DocumentRow, EntryRow, HeadFacts, SnapshotRow } from './stored-rows.ts'

export type Statements = ReturnType<typeof prepare>

export function prepare(db: Database) {
  return { ...prepareDocuments(db), ...prepareEntries(db), ...prepareSnapshots(db) }
}

const documentColumns = `id, name, incarnation, created_at AS createdAt, created_by AS createdBy,
  deleted_at AS deletedAt`

function prepareDocuments(db: Database) {
  return {
    living: db.prepare<[DocumentName], DocumentRow>(
      `SELECT ${documentColumns} FROM documents WHERE name = ? AND deleted_at IS NULL`,
    ),

    newestLife: db.prepare<[DocumentName], DocumentRow>(
      `SELECT ${documentColumns} FROM documents WHERE name = ? ORDER BY id DESC LIMIT 1`,
    ),

    list: db.prepare<[{ after: string; prefix: string; end: string; limit: number }], DocumentRow>(
      `SELECT ${documentColumns} FROM documents
       WHERE deleted_at IS NULL AND name > :after AND name >= :prefix AND name < :end
       ORDER BY name LIMIT :limit`,
    ),

    insertDocument: db.prepare<[DocumentName, string, number, string]>(
      'INSERT INTO documents (name, incarnation, created_at, created_by) VALUES (?, ?, ?, ?)',
    ),

    markDeleted: db.prepare<[number, string, number]>(
      'UPDATE documents SET deleted_at = ?, deleted_by = ? WHERE id = ?',
    ),
  }
}

function prepareEntries(db: Database) {
  return {
    insertEntry: db.prepare<[number, number, number, string, Uint8Array, number]>(
      `INSERT INTO entries (document_id, seq, at, author, bytes, checksum)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),

    headSeq: db.prepare<[{ id: number }], { seq: number }>(
      `SELECT max(
         coalesce((SELECT max(seq) FROM entries WHERE document_id = :id), 0),
         coalesce((SELECT max(seq) FROM snapshots
                   WHERE document_id = :id AND quarantined_at IS NULL), 0)
       ) AS seq`,
    ),

    headFacts: db.prepare<[{ id: number; createdAt: number }], HeadFacts>(
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

    entriesAfter: db.prepare<[number, number], EntryRow>(
      `SELECT seq, at, author, bytes, checksum FROM entries
       WHERE document_id = ? AND seq > ? ORDER BY seq`,
    ),

    entriesPage: db.prepare<[number, number, number], EntryRow>(
      `SELECT seq, at, author, bytes, checksum FROM entries
       WHERE document_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ),

    authors: db.prepare<[number], { author: string; entries: number; lastAt: number }>(
      `SELECT author, count(*) AS entries, max(at) AS lastAt FROM entries
       WHERE document_id = ? GROUP BY author ORDER BY lastAt DESC LIMIT 100`,
    ),
  }
}

function prepareSnapshots(db: Database) {
  return {
    snapshotBefore: db.prepare<[number, number], SnapshotRow>(
      `SELECT seq, at, bytes, checksum FROM snapshots
       WHERE document_id = ? AND quarantined_at IS NULL AND seq < ? ORDER BY seq DESC LIMIT 1`,
    ),

    snapshotList: db.prepare<
      [number],
      { seq: number; at: number; bytes: number; quarantined: number }
    >(
      `SELECT seq, at, length(bytes) AS bytes, quarantined_at IS NOT NULL AS quarantined
       FROM snapshots WHERE document_id = ? ORDER BY seq DESC`,
    ),

    newestSnapshot: db.prepare<[number], { seq: number | null }>(
      `SELECT max(seq) AS seq FROM snapshots WHERE document_id = ? AND quarantined_at IS NULL`,
    ),

    insertSnapshot: db.prepare<[number, number, number, Uint8Array, number]>(
      `INSERT OR IGNORE INTO snapshots (document_id, seq, at, bytes, checksum)
       VALUES (?, ?, ?, ?, ?)`,
    ),

    dropSnapshots: db.prepare<[{ id: number; kept: number }]>(
      `DELETE FROM snapshots WHERE document_id = :id AND quarantined_at IS NULL AND seq NOT IN (
         SELECT seq FROM snapshots WHERE document_id = :id AND quarantined_at IS NULL
         ORDER BY seq DESC LIMIT :kept)`,
    ),

    quarantine: db.prepare<[number, number, number]>(
      'UPDATE snapshots SET quarantined_at = ? WHERE document_id = ? AND seq = ?',
    ),
  }
}
