/** The journal's SQL on Postgres. Writing is done by functions of the database: see migration 004. */

/** The newest life of a name: the living one, where there is one. */
const LIFE = `SELECT id, name, incarnation, created_at, created_by, deleted_at, schema_version, head_seq
  FROM documents WHERE name = $1 ORDER BY deleted_at IS NULL DESC, id DESC LIMIT 1`

/**
 * A document in one statement, so that all of it is of one moment: its row (as JSON), its newest
 * snapshot before `$2`, the entries behind that. $1 name, $2 seq.
 */
export const READ = `WITH life AS MATERIALIZED (${LIFE}), base AS MATERIALIZED (
    SELECT snapshots.* FROM snapshots JOIN life ON document_id = life.id
    WHERE quarantined_at IS NULL AND life.deleted_at IS NULL AND seq < $2
    ORDER BY seq DESC LIMIT 1
  )
  SELECT 'document' AS kind, head_seq AS seq, created_at AS at, created_by AS author,
    0::bigint AS "handsOver", ''::bytea AS bytes, 0::bigint AS checksum, json_build_object(
      'id', id, 'name', name, 'incarnation', incarnation, 'createdAt', created_at,
      'createdBy', created_by, 'deletedAt', deleted_at, 'schema', schema_version,
      'headSeq', head_seq,
      'lastAt', (SELECT at FROM entries WHERE document_id = id ORDER BY seq DESC LIMIT 1)
    )::text AS note FROM life
  UNION ALL
  SELECT 'snapshot', seq, at, '', 0, bytes, checksum, owners FROM base
  UNION ALL
  SELECT 'entry', seq, at, author, hands_over, bytes, checksum, NULL FROM entries
  WHERE document_id = (SELECT id FROM life WHERE deleted_at IS NULL)
    AND seq > coalesce((SELECT seq FROM base), 0)`

export const CREATE = `SELECT weft_create($1, $2, $3, $4, $5, $6, $7, $8, $9) AS created`

export const PUT_SNAPSHOT = `SELECT weft_put_snapshot($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS put`

/** The columns of a DocumentHead; `d` are the documents in question. */
const heads = (documents: string) => `SELECT d.name, d.incarnation,
    d.created_at AS "createdAt", d.created_by AS "createdBy", d.deleted_at AS "deletedAt",
    d.schema_version AS schema, d.head_seq AS seq,
    coalesce(last.at, base.at, d.created_at) AS "updatedAt",
    (coalesce(base.size, 0) + tail.size)::bigint AS bytes
  FROM (${documents}) AS d
  LEFT JOIN LATERAL (
    SELECT seq, at, octet_length(bytes) AS size FROM snapshots
    WHERE document_id = d.id AND quarantined_at IS NULL ORDER BY seq DESC LIMIT 1
  ) AS base ON true
  LEFT JOIN LATERAL (
    SELECT at FROM entries WHERE document_id = d.id ORDER BY seq DESC LIMIT 1
  ) AS last ON true
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(octet_length(bytes)), 0) AS size FROM entries
    WHERE document_id = d.id AND seq > coalesce(base.seq, 0)
  ) AS tail`

/** $1 name. */
export const HEAD = heads(LIFE)

/** $1 after, $2 prefix, $3 the end of names with that prefix, $4 limit. */
export const LIST = `${heads(`SELECT * FROM documents
  WHERE deleted_at IS NULL AND name > $1 AND name >= $2 AND name < $3
  ORDER BY name LIMIT $4`)} ORDER BY d.name`

/** One row without an entry when there are none; none at all when there is no such name. */
export const ENTRIES = `WITH life AS MATERIALIZED (${LIFE})
  SELECT life.incarnation, page.* FROM life LEFT JOIN LATERAL (
    SELECT seq, at, author, hands_over AS "handsOver", bytes, checksum FROM entries
    WHERE document_id = life.id AND seq > $2 ORDER BY seq LIMIT $3
  ) AS page ON true ORDER BY page.seq`

export const POSITIONS = `SELECT name, incarnation, head_seq AS seq, schema_version AS schema
  FROM documents WHERE name = ANY ($1::text[]) AND deleted_at IS NULL`

export const REQUEST = `SELECT seq, request_digest AS digest FROM entries
  WHERE request_key = $2
    AND document_id = (SELECT id FROM documents WHERE name = $1 AND deleted_at IS NULL)`

/** weft_durably is called first: FROM is read before a row is written. */
export const REMOVE = `UPDATE documents SET deleted_at = $2, deleted_by = $3
  FROM (SELECT weft_durably($4)) AS settings WHERE name = $1 AND deleted_at IS NULL
  RETURNING incarnation`

/** $1 incarnation: the life that was just removed. */
export const HEAD_OF_LIFE = heads('SELECT * FROM documents WHERE incarnation = $1')

export const QUARANTINE = `UPDATE snapshots SET quarantined_at = $3
  WHERE seq = $2 AND document_id = (SELECT id FROM documents WHERE incarnation = $1)`

export const SNAPSHOTS = `SELECT seq, at, octet_length(bytes) AS bytes,
    quarantined_at IS NOT NULL AS quarantined FROM snapshots
  WHERE document_id = (SELECT id FROM documents WHERE incarnation = $1) ORDER BY seq DESC`

/** The newest sound-looking snapshot before $2. */
export const SNAPSHOT_BEFORE = `SELECT seq, at, bytes, owners, checksum FROM snapshots
  WHERE document_id = (SELECT id FROM documents WHERE incarnation = $1)
    AND quarantined_at IS NULL AND seq < $2 ORDER BY seq DESC LIMIT 1`

export const ENTRIES_OF_LIFE = `SELECT seq, at, author, hands_over AS "handsOver", bytes, checksum
  FROM entries WHERE document_id = (SELECT id FROM documents WHERE incarnation = $1)
    AND seq > $2 ORDER BY seq LIMIT $3`

export const AUTHORS = `SELECT author, count(*) AS entries, max(at) AS "lastAt" FROM entries
  WHERE document_id = (SELECT id FROM documents WHERE incarnation = $1)
  GROUP BY author ORDER BY "lastAt" DESC LIMIT 100`

/** Puts a salvaged state above everything, if nobody has written since. */
export const PUT_ABOVE = `WITH life AS (
    UPDATE documents SET head_seq = $2 FROM (SELECT weft_durably($7)) AS settings
    WHERE incarnation = $1 AND head_seq < $2 RETURNING id
  )
  INSERT INTO snapshots (document_id, seq, at, bytes, owners, checksum)
  SELECT id, $2, $3, $4, $5, $6 FROM life RETURNING seq`
