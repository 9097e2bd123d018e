/** What the journal reads and writes in Postgres, one statement at a time. */
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../../shared/names.ts'
import { placedChecksum, seqlessChecksum, snapshotChecksum } from '../entry-checksum.ts'
import { encodeOwners } from '../owners-text.ts'
import type { AppendOutcome } from '../group-commit.ts'
import type {
  Append,
  Creation,
  Damage,
  DocumentHead,
  Entry,
  ListQuery,
  Position,
  SnapshotPut,
  StoredDocument,
} from '../journal.ts'
import { isDamage, readEntry, type EntryRow } from '../stored-rows.ts'
import { APPEND, absence, appendOutcome, appendValues, type AppendRow } from './append-batch.ts'
import { isCorruption, isDataError, type PostgresDatabase } from './database.ts'
import { DamagedDocument, readStored, type StoredRow } from './read-document.ts'
import * as sql from './statements.ts'
import { storableText } from './storable-text.ts'

/** Only the newest two are kept: the second is what a damaged newest one is rebuilt from. */
const SNAPSHOTS_KEPT = 2

export type DamageListener = (name: DocumentName, damage: Damage) => void

export class PostgresStore {
  readonly #database: PostgresDatabase
  readonly #now: () => number
  readonly #onDamage: DamageListener

  constructor(database: PostgresDatabase, now: () => number, onDamage: DamageListener = () => {}) {
    this.#database = database
    this.#now = now
    this.#onDamage = onDamage
  }

  /** One statement for all; rejects when it failed as a whole. */
  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    try {
      const values = appendValues(batch, this.#database.lockTimeoutMs)
      const rows = await this.#database.rows<AppendRow>(APPEND, values)
      return batch.map((append, index) => appendOutcome(append, rows[index]))
    } catch (error) {
      if (!isDataError(error) || batch.length === 1) throw error
      // One of them holds what the database cannot take; the others must not suffer for it.
      return this.#appendSingly(batch)
    }
  }

  async #appendSingly(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    const outcomes: AppendOutcome[] = []
    for (const append of batch) {
      try {
        outcomes.push(...(await this.append([append])))
      } catch (error) {
        if (!(error instanceof WeftError)) throw error
        outcomes.push({ ok: false, error })
      }
    }
    return outcomes
  }

  async open(
    name: DocumentName,
    create: Creation | undefined,
  ): Promise<StoredDocument | undefined> {
    const found = await this.#read(name)
    if (found.kind === 'living') return found.stored
    const mayCreate = create !== undefined && (found.kind === 'none' || create.afterDeletion)
    if (!mayCreate) {
      if (found.kind === 'none') return undefined
      throw absence(name, 'DOCUMENT_DELETED')
    }
    await this.#create(name, create)
    // Ours, or that of another server that was faster.
    const made = await this.#read(name)
    if (made.kind === 'living') return made.stored
    throw absence(name, made.kind === 'none' ? 'DOCUMENT_NOT_FOUND' : 'DOCUMENT_DELETED')
  }

  /** With its seed or not at all: a document without it would be seeded by somebody else again. */
  async #create(name: DocumentName, creation: Creation): Promise<void> {
    const { incarnation, at, seed = null, schema = 0, afterDeletion } = creation
    const by = storableText(creation.by)
    const first = { author: by, at, update: seed ?? new Uint8Array(), handsOver: true }
    const sum = seed === null ? null : seqlessChecksum(incarnation, first)
    const { lockTimeoutMs } = this.#database
    const values = [lockTimeoutMs, name, incarnation, at, by, schema, afterDeletion, seed, sum]
    await this.#database.rows(sql.CREATE, values)
  }

  async #read(name: DocumentName): ReturnType<typeof readStored> {
    try {
      return await readStored({
        rows: beforeSeq => this.#database.rows<StoredRow>(sql.READ, [name, beforeSeq]),
        onDamagedSnapshot: (incarnation, damage) => this.#setAside(name, incarnation, damage),
      })
    } catch (error) {
      if (error instanceof DamagedDocument) this.#onDamage(name, error.damage)
      if (isCorruption(error)) throw damagedError(name, 'the database cannot read its own pages')
      throw error
    }
  }

  /** Never read again, never overwritten. A store that takes no writes sets the mark next time. */
  async #setAside(name: DocumentName, incarnation: string, damage: Damage): Promise<void> {
    this.#onDamage(name, damage)
    const values = [incarnation, damage.seq, this.#now()]
    await this.#database.rows(sql.QUARANTINE, values).catch(() => {})
  }

  async head(name: DocumentName): Promise<DocumentHead | undefined> {
    const [head] = await this.#database.rows<DocumentHead>(sql.HEAD, [name])
    return head
  }

  list({ prefix, after, limit }: ListQuery): Promise<readonly DocumentHead[]> {
    // The range of names with a prefix ends before the prefix with a character above all of ours.
    const values = [after, prefix, `${prefix}\u{10ffff}`, limit]
    return this.#database.rows<DocumentHead>(sql.LIST, values)
  }

  async entries(name: DocumentName, afterSeq: number, limit: number): Promise<readonly Entry[]> {
    type Row = EntryRow & { readonly incarnation: string } & { readonly seq: number | null }
    const rows = await this.#database.rows<Row>(sql.ENTRIES, [name, afterSeq, limit])
    if (rows.length === 0) throw absence(name, 'DOCUMENT_NOT_FOUND')
    return rows
      .filter(row => row.seq !== null)
      .map(row => {
        const entry = readEntry(row.incarnation, row, placedChecksum)
        if (isDamage(entry)) throw this.#damaged(name, entry)
        return entry
      })
  }

  #damaged(name: DocumentName, damage: Damage): WeftError {
    this.#onDamage(name, damage)
    return damagedError(name, damage.sentence)
  }

  positions(names: readonly DocumentName[]): Promise<readonly Position[]> {
    return this.#database.rows<Position>(sql.POSITIONS, [names])
  }

  async request(name: DocumentName, key: string) {
    type Row = { readonly seq: number; readonly digest: string }
    const [row] = await this.#database.rows<Row>(sql.REQUEST, [name, storableText(key)])
    return row
  }

  async putSnapshot(put: SnapshotPut): Promise<'put' | 'stale'> {
    const { name, incarnation, previousSeq, snapshot } = put
    const { seq, at, state } = snapshot
    const owners = snapshot.owners === undefined ? null : encodeOwners(snapshot.owners)
    const sum = snapshotChecksum(incarnation, { seq, at, state, owners })
    const { lockTimeoutMs } = this.#database
    const place = [lockTimeoutMs, name, incarnation, previousSeq]
    const values = [...place, seq, at, state, owners, sum, SNAPSHOTS_KEPT]
    const [row] = await this.#database.rows<{ put: boolean }>(sql.PUT_SNAPSHOT, values)
    return row?.put === true ? 'put' : 'stale'
  }

  async remove(name: DocumentName, by: string, at: number): Promise<DocumentHead | undefined> {
    const values = [name, at, storableText(by), this.#database.lockTimeoutMs]
    const [gone] = await this.#database.rows<{ incarnation: string }>(sql.REMOVE, values)
    if (gone === undefined) return undefined
    const [head] = await this.#database.rows<DocumentHead>(sql.HEAD_OF_LIFE, [gone.incarnation])
    return head
  }
}

function damagedError(name: DocumentName, sentence: string): WeftError {
  return new WeftError('DOCUMENT_DAMAGED', `${quoteName(name)}: ${sentence}`)
}
