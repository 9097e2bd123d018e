/** The journal's SQL on one SQLite file; synchronous, so it lives in a thread of its own. */
import Database from 'better-sqlite3'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../../shared/names.ts'
import { refusedAppend, type AppendOutcome } from '../group-commit.ts'
import type {
  Append,
  Creation,
  Damage,
  DocumentHead,
  Entry,
  Inspection,
  ListQuery,
  NewEntry,
  Position,
  RequestMark,
  Snapshot,
  SnapshotPut,
  StoredDocument,
} from '../journal.ts'
import {
  HeadWitness,
  acknowledgedSeq,
  witnessKey,
  type WitnessKey,
  type WitnessedHead,
} from './head-witness.ts'
import { entryChecksum, snapshotChecksum } from '../entry-checksum.ts'
import { encodeOwners } from '../owners-text.ts'
import { inspectDocument } from './inspect-document.ts'
import { sqliteFiles, syncFolder } from './sqlite-files.ts'
import { prepare, type Statements } from './statements.ts'
import {
  isDamage,
  missingEntries,
  readEntry,
  readSnapshot,
  toHead,
  type DocumentRow,
} from '../stored-rows.ts'

/** Only the newest two are kept: the second is what a damaged newest one is rebuilt from. */
const SNAPSHOTS_KEPT = 2
const LIVES_MAX = 50_000

type Life = {
  readonly id: number
  readonly incarnation: string
  readonly key: WitnessKey
  seq: number
}

export type DamageListener = (name: DocumentName, damage: Damage) => void

export class SqliteStore {
  readonly #database: Database.Database
  readonly #witness: HeadWitness
  readonly #sql: Statements
  /** Living documents that were written to; this process is the only writer (see lockDataDir). */
  readonly #lives = new Map<DocumentName, Life>()
  readonly #onDamage: DamageListener

  constructor(dataDir: string, onDamage: DamageListener = () => {}) {
    const files = sqliteFiles(dataDir)
    this.#database = new Database(files.database)
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = FULL')
    // On macOS fsync alone leaves bytes in the drive; elsewhere this is a no-op.
    this.#database.pragma('fullfsync = ON')
    this.#witness = HeadWitness.open(files.witness)
    this.#sql = prepare(this.#database)
    this.#onDamage = onDamage
    // The files are there by now. SQLite syncs the folder after the first commit and does not look
    // whether it could: after a power cut the WAL may then have no name, and its commits are gone.
    syncFolder(dataDir)
  }

  /** One transaction for all; throws when it failed as a whole, and then nothing is stored. */
  append(batch: readonly Append[]): readonly AppendOutcome[] {
    const heads = new Map<Life, WitnessedHead>()
    const commit = this.#database.transaction(() => batch.map(one => this.#appendOne(one, heads)))
    let outcomes: readonly AppendOutcome[]
    try {
      outcomes = commit.immediate()
    } catch (error) {
      // Rolled back: the seqs counted on the way were never given out.
      this.#lives.clear()
      throw error
    }
    // After the commit is durable and before anybody is told: see HeadWitness.
    this.#witness.record(heads.values())
    return outcomes
  }

  #appendOne(
    { name, incarnation, entries, schema, afterSeq }: Append,
    heads: Map<Life, WitnessedHead>,
  ): AppendOutcome {
    const life = this.#lives.get(name) ?? this.#findLife(name)
    if (life === undefined) return { ok: false, error: this.#absence(name) }
    if (life.incarnation !== incarnation) {
      const sentence = `${quoteName(name)} is ${life.incarnation} now, not ${incarnation}`
      return refusedAppend('INCARNATION_MISMATCH', sentence)
    }
    if (entries.some(({ request }) => this.#isRepeated(life.id, request))) {
      return refusedAppend('REQUEST_REPEATED', 'this request has been carried out')
    }
    if (afterSeq !== undefined && afterSeq !== life.seq) {
      return refusedAppend('SEQ_CONFLICT', `the last entry is ${life.seq}, not ${afterSeq}`)
    }
    // The first of the checks that changes something, so it is the last.
    if (
      schema !== undefined &&
      this.#sql.moveSchema.run({ id: life.id, ...schema }).changes === 0
    ) {
      return refusedAppend('SCHEMA_CONFLICT', `the schema is not at ${schema.from}`)
    }
    for (const entry of entries) {
      life.seq += 1
      this.#insert(life.id, { incarnation, seq: life.seq, entry })
    }
    heads.set(life, { key: life.key, seq: life.seq })
    return { ok: true, seq: life.seq }
  }

  #insert(
    id: number,
    { incarnation, seq, entry }: { incarnation: string; seq: number; entry: NewEntry },
  ): void {
    const { at, author, update, request, handsOver } = entry
    const sum = entryChecksum(incarnation, seq, entry)
    const mark = handsOver === true ? 1 : 0
    const [key, digest] = [request?.key ?? null, request?.digest ?? null]
    this.#sql.insertEntry.run(id, seq, at, author, mark, update, sum, key, digest)
  }

  #isRepeated(id: number, request: RequestMark | undefined): boolean {
    return request !== undefined && this.#sql.request.get(id, request.key) !== undefined
  }

  #findLife(name: DocumentName): Life | undefined {
    const row = this.#sql.living.get(name)
    if (row === undefined) return undefined
    const { id, incarnation } = row
    // Counted on from the newest snapshot too: a repair may stand above all entries.
    const seq = this.#sql.headSeq.get({ id })?.seq ?? 0
    const life = { id, incarnation, key: witnessKey(name, incarnation), seq }
    if (this.#lives.size >= LIVES_MAX) this.#lives.clear()
    this.#lives.set(name, life)
    return life
  }

  #absence(name: DocumentName): WeftError {
    return this.#sql.newestLife.get(name) === undefined
      ? new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
      : new WeftError('DOCUMENT_DELETED', `${quoteName(name)} was deleted`)
  }

  open(name: DocumentName, create: Creation | undefined): StoredDocument | undefined {
    const found = this.#sql.living.get(name)
    if (found !== undefined) return this.#read(found)
    const deleted = this.#sql.newestLife.get(name) !== undefined
    if (deleted && create?.afterDeletion !== true) throw this.#absence(name)
    if (!deleted) this.#refuseLostDocument(name)
    if (create === undefined) return undefined
    const seq = this.#database.transaction(() => this.#create(name, create)).immediate()
    this.#witness.record([{ key: witnessKey(name, create.incarnation), seq }])
    const row = this.#sql.living.get(name)
    return row === undefined ? undefined : this.#read(row)
  }

  /** With its seed or not at all: a document without it would be seeded by somebody else again. */
  #create(name: DocumentName, { incarnation, at, by, seed, schema = 0 }: Creation): number {
    const { lastInsertRowid } = this.#sql.insertDocument.run(name, incarnation, at, by, schema)
    if (seed === undefined) return 0
    const entry = { author: by, at, update: seed, handsOver: true }
    this.#insert(Number(lastInsertRowid), { incarnation, seq: 1, entry })
    return 1
  }

  /** A name that was acknowledged once and is not in the file is a loss, not a new document. */
  #refuseLostDocument(name: DocumentName): void {
    const witnessed = this.#witness.headOf(witnessKey(name, ''))
    if (witnessed !== undefined && witnessed.seq > 0) {
      throw this.#damaged(name, missingEntries(1, witnessed.seq))
    }
  }

  #read(row: DocumentRow): StoredDocument {
    const snapshot = this.#soundSnapshot(row)
    const tail: Entry[] = []
    let seq = snapshot?.seq ?? 0
    for (const entryRow of this.#sql.entriesAfter.iterate(row.id, seq)) {
      const entry = readEntry(row.incarnation, entryRow)
      if (isDamage(entry)) throw this.#damaged(row.name, entry)
      if (entry.seq !== seq + 1)
        throw this.#damaged(row.name, missingEntries(seq + 1, entry.seq - 1))
      seq = entry.seq
      tail.push(entry)
    }
    const acknowledged = this.#acknowledgedSeq(row)
    if (seq < acknowledged) throw this.#damaged(row.name, missingEntries(seq + 1, acknowledged))
    return { head: this.#headOf(row), snapshot, tail }
  }

  #acknowledgedSeq({ name, incarnation }: DocumentRow): number {
    const key = witnessKey(name, incarnation)
    return acknowledgedSeq(key, this.#witness.headOf(key))
  }

  /** The newest snapshot that passes its check; damaged ones are set aside, never overwritten. */
  #soundSnapshot(row: DocumentRow): Snapshot | null {
    let before = Number.MAX_SAFE_INTEGER
    for (;;) {
      const snapshotRow = this.#sql.snapshotBefore.get(row.id, before)
      if (snapshotRow === undefined) return null
      const snapshot = readSnapshot(row.incarnation, snapshotRow)
      if (!isDamage(snapshot)) return snapshot
      this.#onDamage(row.name, snapshot)
      this.#quarantine(row.id, snapshot.seq)
      before = snapshot.seq
    }
  }

  #quarantine(id: number, seq: number): void {
    try {
      this.#sql.quarantine.run(Date.now(), id, seq)
    } catch {
      // A store that takes no writes still reads: the mark is set at the next opening.
    }
  }

  #damaged(name: DocumentName, damage: Damage): WeftError {
    this.#onDamage(name, damage)
    return new WeftError('DOCUMENT_DAMAGED', `${quoteName(name)}: ${damage.sentence}`)
  }

  head(name: DocumentName): DocumentHead | undefined {
    const row = this.#sql.newestLife.get(name)
    return row === undefined ? undefined : this.#headOf(row)
  }

  #headOf(row: DocumentRow): DocumentHead {
    const facts = this.#sql.headFacts.get({ id: row.id, createdAt: row.createdAt })
    return toHead(row, facts ?? { seq: 0, updatedAt: row.createdAt, bytes: 0 })
  }

  list({ prefix, after, limit }: ListQuery): readonly DocumentHead[] {
    // The range of names with a prefix ends before the prefix with a character above all of ours.
    const rows = this.#sql.list.all({ after, prefix, end: `${prefix}\u{10ffff}`, limit })
    return rows.map(row => this.#headOf(row))
  }

  positions(names: readonly DocumentName[]): readonly Position[] {
    return names.flatMap(name => {
      const row = this.#sql.living.get(name)
      if (row === undefined) return []
      const { id, incarnation, schema } = row
      return [{ name, incarnation, seq: this.#sql.headSeq.get({ id })?.seq ?? 0, schema }]
    })
  }

  request(name: DocumentName, key: string): { seq: number; digest: string } | undefined {
    const row = this.#sql.living.get(name)
    return row === undefined ? undefined : this.#sql.request.get(row.id, key)
  }

  entries(name: DocumentName, afterSeq: number, limit: number): readonly Entry[] {
    const row = this.#sql.newestLife.get(name)
    if (row === undefined) throw this.#absence(name)
    return this.#sql.entriesPage.all(row.id, afterSeq, limit).map(entryRow => {
      const entry = readEntry(row.incarnation, entryRow)
      if (isDamage(entry)) throw this.#damaged(name, entry)
      return entry
    })
  }

  putSnapshot({ name, incarnation, previousSeq, snapshot }: SnapshotPut): 'put' | 'stale' {
    const put = this.#database.transaction((): 'put' | 'stale' => {
      const row = this.#sql.living.get(name)
      if (row === undefined || row.incarnation !== incarnation) return 'stale'
      const newest = this.#sql.newestSnapshot.get(row.id)?.seq ?? 0
      if (newest !== previousSeq || snapshot.seq <= newest) return 'stale'
      const { seq, at, state } = snapshot
      const owners = snapshot.owners === undefined ? null : encodeOwners(snapshot.owners)
      const sum = snapshotChecksum(incarnation, { seq, at, state, owners })
      // Ignored where a quarantined one has this seq: that one is evidence, and stays.
      const { changes } = this.#sql.insertSnapshot.run(row.id, seq, at, state, owners, sum)
      this.#sql.dropSnapshots.run({ id: row.id, kept: SNAPSHOTS_KEPT })
      return changes === 1 ? 'put' : 'stale'
    })
    return put.immediate()
  }

  remove(name: DocumentName, by: string, at: number): DocumentHead | undefined {
    const row = this.#sql.living.get(name)
    if (row === undefined) return undefined
    this.#sql.markDeleted.run(at, by, row.id)
    this.#lives.delete(name)
    return { ...this.#headOf(row), deletedAt: at }
  }

  inspect(name: DocumentName): Inspection | undefined {
    const row = this.#sql.newestLife.get(name)
    if (row === undefined) return undefined
    const head = this.#headOf(row)
    return inspectDocument(this.#sql, row, { head, acknowledgedSeq: this.#acknowledgedSeq(row) })
  }

  close(): void {
    this.#database.close()
    this.#witness.close()
  }
}
