/**
 * Reads documents straight from Postgres, with none of weft's own code: what is stored is judged by
 * somebody who does not know how it came there.
 */
import { Client } from 'pg'
import * as Y from 'yjs'
import type { ReadDocument } from './independent-reader.ts'

type Row = { readonly seq: string; readonly bytes: Buffer }

/** Undefined for a name without a living document. Throws when seqs have a gap. */
export async function readFromPostgres(
  url: string,
  name: string,
): Promise<ReadDocument | undefined> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const lives = await client.query<{ id: string }>(
      'SELECT id FROM documents WHERE name = $1 AND deleted_at IS NULL',
      [name],
    )
    const id = lives.rows[0]?.id
    if (id === undefined) return undefined
    const snapshots = await client.query<Row>(
      `SELECT seq, bytes FROM snapshots WHERE document_id = $1 AND quarantined_at IS NULL
       ORDER BY seq DESC LIMIT 1`,
      [id],
    )
    const { rows } = await client.query<Row>(
      'SELECT seq, bytes FROM entries WHERE document_id = $1 ORDER BY seq',
      [id],
    )
    const doc = new Y.Doc()
    const replayed = new Y.Doc()
    const [snapshot] = snapshots.rows
    if (snapshot !== undefined) Y.applyUpdate(doc, snapshot.bytes)
    rows.forEach(({ seq, bytes }, i) => {
      if (Number(seq) !== i + 1) throw new Error(`${name}: entry ${i + 1} is missing`)
      if (Number(seq) > Number(snapshot?.seq ?? 0)) Y.applyUpdate(doc, bytes)
      Y.applyUpdate(replayed, bytes)
    })
    return { doc, entries: rows.length, replayed }
  } finally {
    await client.end()
  }
}
