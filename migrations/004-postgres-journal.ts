/**
 * What the journal needs where several servers write to one database. The functions are its only
 * writers: each takes one round trip, and sees what was committed before it got its locks. SQLite
 * needs nothing of this: one process writes, and counts for itself.
 */
import { sql, type Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'

export async function up(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  if (dialect.name !== 'postgres') return
  // Names are listed in the order of their bytes, whatever the language of the database.
  await sql`ALTER TABLE documents ALTER COLUMN name TYPE text COLLATE "C"`.execute(db)
  // The seq of the last entry. Room in each page, so that counting it on rewrites no index.
  await sql`ALTER TABLE documents ADD COLUMN head_seq bigint NOT NULL DEFAULT 0`.execute(db)
  await sql`ALTER TABLE documents SET (fillfactor = 70)`.execute(db)
  await sql`UPDATE documents SET head_seq = greatest(
    (SELECT coalesce(max(seq), 0) FROM entries WHERE document_id = id),
    (SELECT coalesce(max(seq), 0) FROM snapshots WHERE document_id = id AND quarantined_at IS NULL)
  )`.execute(db)
  for (const definition of [durably, append, create, putSnapshot]) await definition.execute(db)
}

export async function down(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  if (dialect.name !== 'postgres') return
  for (const name of ['weft_put_snapshot', 'weft_create', 'weft_append', 'weft_durably']) {
    await sql`DROP FUNCTION ${sql.ref(name)}`.execute(db)
  }
  await sql`ALTER TABLE documents RESET (fillfactor)`.execute(db)
  await sql`ALTER TABLE documents DROP COLUMN head_seq`.execute(db)
  await sql`ALTER TABLE documents ALTER COLUMN name TYPE text COLLATE "default"`.execute(db)
}

// Settings of this transaction alone: a pooler may give the connection to anybody after it. An
// acknowledgement means durable, whatever the database is set to; and who waits for a lock longer
// than the server waits for him must not store what nobody asks for any more.
const durably = sql`
  CREATE FUNCTION weft_durably(lock_timeout_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
      PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM set_config('lock_timeout', lock_timeout_ms::text, true);
  END $$`

// All appends of a commit. What is said of documents comes once each (docs), of appends in arrays
// of their own, of entries too; "doc_of" is the place of an append's document, "starts" the place
// of an entry in the blob, both from 1. One row for each append comes back.
const append = sql`
  CREATE FUNCTION weft_append(
    lock_timeout_ms bigint, docs text[],
    doc_of int[], incarnations text[], counts int[], after_seqs bigint[],
    schema_froms bigint[], schema_tos bigint[],
    ats bigint[], authors text[], marks int[], starts int[], lengths int[], sums bigint[],
    request_keys text[], request_digests text[], blob bytea
  ) RETURNS TABLE (refusal text, seq bigint, detail text) LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    ids bigint[]; lives text[]; heads bigint[]; schemas bigint[];
    entry_ids bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(ats)]);
    entry_seqs bigint[] := entry_ids;
    has_requests boolean := cardinality(array_remove(request_keys, NULL)) > 0;
    place int; done int := 0;
  BEGIN
    PERFORM weft_durably(lock_timeout_ms);
    -- Locked in the order of ids, everywhere: two servers with the same documents cannot block each
    -- other for good. Every statement after this one sees what was committed before the locks.
    SELECT array_agg(life.id ORDER BY named.place), array_agg(life.incarnation ORDER BY named.place),
      array_agg(life.head_seq ORDER BY named.place),
      array_agg(life.schema_version ORDER BY named.place)
    INTO ids, lives, heads, schemas
    FROM unnest(docs) WITH ORDINALITY AS named(name, place)
    LEFT JOIN (
      SELECT id, name, incarnation, head_seq, schema_version FROM documents
      WHERE name = ANY (docs) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
    ) AS life USING (name);

    FOR i IN 1 .. cardinality(doc_of) LOOP
      place := doc_of[i];
      refusal := NULL; seq := NULL; detail := NULL;
      IF ids[place] IS NULL THEN
        refusal := CASE WHEN EXISTS (SELECT FROM documents WHERE name = docs[place])
          THEN 'DOCUMENT_DELETED' ELSE 'DOCUMENT_NOT_FOUND' END;
      ELSIF lives[place] <> incarnations[i] THEN
        refusal := 'INCARNATION_MISMATCH';
        detail := lives[place];
      ELSIF has_requests AND EXISTS (
        SELECT FROM entries WHERE document_id = ids[place]
          AND request_key = ANY (request_keys[done + 1 : done + counts[i]])
      ) THEN
        refusal := 'REQUEST_REPEATED';
      ELSIF after_seqs[i] <> heads[place] THEN
        refusal := 'SEQ_CONFLICT';
        detail := heads[place]::text;
      ELSIF schema_froms[i] <> schemas[place] THEN
        refusal := 'SCHEMA_CONFLICT';
        detail := schemas[place]::text;
      ELSE
        FOR k IN 1 .. counts[i] LOOP
          entry_ids[done + k] := ids[place];
          entry_seqs[done + k] := heads[place] + k;
        END LOOP;
        heads[place] := heads[place] + counts[i];
        schemas[place] := coalesce(schema_tos[i], schemas[place]);
        seq := heads[place];
      END IF;
      done := done + counts[i];
      RETURN NEXT;
    END LOOP;

    -- The seq is covered by the checksum too, and only here it is known.
    INSERT INTO entries (document_id, seq, at, author, hands_over, bytes, checksum,
      request_key, request_digest)
    SELECT one.id, one.seq, one.at, one.author, one.mark, substr(blob, one.start, one.length),
      one.sum # (one.seq & 4294967295), one.request_key, one.request_digest
    FROM unnest(entry_ids, entry_seqs, ats, authors, marks, starts, lengths, sums, request_keys,
      request_digests) AS one(id, seq, at, author, mark, start, length, sum, request_key,
      request_digest)
    WHERE one.id IS NOT NULL;

    UPDATE documents SET head_seq = moved.head, schema_version = moved.schema
    FROM unnest(ids, heads, schemas) AS moved(id, head, schema)
    WHERE documents.id = moved.id AND documents.head_seq <> moved.head;
  END $$`

// True when the document is new. Looking for deleted lives comes after the insert: whoever holds
// the living name cannot miss a life that ended before.
const create = sql`
  CREATE FUNCTION weft_create(
    lock_timeout_ms bigint, new_name text, new_incarnation text, new_at bigint, new_by text,
    new_schema bigint, after_deletion boolean, seed bytea, seed_sum bigint
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    born bigint;
  BEGIN
    PERFORM weft_durably(lock_timeout_ms);
    INSERT INTO documents (name, incarnation, created_at, created_by, schema_version, head_seq)
    VALUES (new_name, new_incarnation, new_at, new_by, new_schema,
      CASE WHEN seed IS NULL THEN 0 ELSE 1 END)
    ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING id INTO born;
    IF born IS NULL THEN
      RETURN false;
    END IF;
    IF NOT after_deletion AND EXISTS (SELECT FROM documents WHERE name = new_name AND id <> born)
    THEN
      DELETE FROM documents WHERE id = born;
      RETURN false;
    END IF;
    IF seed IS NOT NULL THEN
      INSERT INTO entries (document_id, seq, at, author, hands_over, bytes, checksum)
      VALUES (born, 1, new_at, new_by, 1, seed, seed_sum # 1);
    END IF;
    RETURN true;
  END $$`

// Compare-and-set on the newest snapshot, in a lock of its own: a large snapshot takes long to
// write, and appends to the document need not wait for it. A quarantined one of the same seq is
// evidence, and stays.
const putSnapshot = sql`
  CREATE FUNCTION weft_put_snapshot(
    lock_timeout_ms bigint, of_name text, of_incarnation text, previous_seq bigint,
    new_seq bigint, new_at bigint, new_bytes bytea, new_owners text, new_checksum bigint, kept int
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    of_id bigint; newest bigint;
  BEGIN
    PERFORM weft_durably(lock_timeout_ms);
    PERFORM pg_advisory_xact_lock(hashtextextended('weft snapshot ' || of_incarnation, 0));
    SELECT id INTO of_id FROM documents
    WHERE name = of_name AND incarnation = of_incarnation AND deleted_at IS NULL;
    SELECT coalesce(max(seq), 0) INTO newest FROM snapshots
    WHERE document_id = of_id AND quarantined_at IS NULL;
    IF of_id IS NULL OR newest <> previous_seq OR new_seq <= newest THEN
      RETURN false;
    END IF;
    INSERT INTO snapshots (document_id, seq, at, bytes, owners, checksum)
    VALUES (of_id, new_seq, new_at, new_bytes, new_owners, new_checksum)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    DELETE FROM snapshots WHERE document_id = of_id AND quarantined_at IS NULL AND seq NOT IN (
      SELECT seq FROM snapshots WHERE document_id = of_id AND quarantined_at IS NULL
      ORDER BY seq DESC LIMIT kept);
    RETURN true;
  END $$`
