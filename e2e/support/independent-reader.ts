/**
 * Reads documents straight from the SQLite file, with none of weft's own code: what is on disk is
 * judged by somebody who does not know how it came there.
 */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as Y from 'yjs'

export type ReadDocument = {
  readonly doc: Y.Doc
  readonly entries: number
  /** The whole history again, without any snapshot. */
  readonly replayed: Y.Doc
}

/** Opens a copy-on-read view: the file may belong to a process that has just been killed. */
export function readDocument(dataDir: string, name: string): ReadDocument | undefined {
  const database = new Database(join(dataDir, 'weft.sqlite'))
  try {
    // A disk that lost everything has not even the tables.
    const hasTables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'documents'").get()
    if (hasTables === undefined) return undefined
    const life = database
      .prepare('SELECT id FROM documents WHERE name = ? AND deleted_at IS NULL')
      .get(name) as { id: number } | undefined
    if (life === undefined) return undefined
    const snapshot = database
      .prepare('SELECT seq, bytes FROM snapshots WHERE document_id = ? ORDER BY seq DESC LIMIT 1')
      .get(life.id) as { seq: number; bytes: Uint8Array } | undefined
    const entries = database
      .prepare('SELECT seq, bytes FROM entries WHERE document_id = ? ORDER BY seq')
      .all(life.id) as { seq: number; bytes: Uint8Array }[]
    const doc = new Y.Doc()
    const replayed = new Y.Doc()
    if (snapshot !== undefined) Y.applyUpdate(doc, snapshot.bytes)
    for (const { seq, bytes } of entries) {
      if (seq > (snapshot?.seq ?? 0)) Y.applyUpdate(doc, bytes)
      Y.applyUpdate(replayed, bytes)
    }
    return { doc, entries: entries.length, replayed }
  } finally {
    database.close()
  }
}
