/** The contract of every journal: a durable, append-only log of updates for each document. */
import type { DocumentName } from '../../shared/names.ts'

/** What a document is in the store, whether or not anybody has it open. */
export type DocumentHead = {
  readonly name: DocumentName
  /** Given at creation; a deleted and re-created name has another one. */
  readonly incarnation: string
  /** Seq of the last durable entry; 0 for a document without any. */
  readonly seq: number
  /** Bytes that opening the document reads: snapshot and tail. */
  readonly bytes: number
  /** Ms since 1970. */
  readonly createdAt: number
  readonly createdBy: string
  /** Ms since 1970 of the last entry, or of the creation. */
  readonly updatedAt: number
  /** Ms since 1970; null while the document lives. */
  readonly deletedAt: number | null
  /** Version of the application's schema that the content follows; 0 where nobody counts. */
  readonly schema: number
}

/** The request that made an entry, so that the same one, sent again, makes no second. */
export type RequestMark = {
  /** Chosen by the requester; 1-255 characters. */
  readonly key: string
  /** Of what was asked: the same key with another one is a mistake. */
  readonly digest: string
}

export type NewEntry = {
  /** Who made the change: a principal's id. */
  readonly author: string
  /** Ms since 1970, by the server's clock. */
  readonly at: number
  /** A Yjs update, format v1. */
  readonly update: Uint8Array
  /** A state that somebody had, handed over: it may hold what others wrote under their client ids. */
  readonly handsOver?: boolean
  readonly request?: RequestMark
}

export type Entry = Omit<NewEntry, 'request'> & { readonly seq: number }

export type Snapshot = {
  /** The last entry that the state holds. */
  readonly seq: number
  /** Ms since 1970. */
  readonly at: number
  /** A Yjs update, format v1, that makes the whole document. */
  readonly state: Uint8Array
  /** Whose each Yjs client id is, as far as the entries up to `seq` tell; see {@link IdOwners}. */
  readonly owners?: IdOwners
}

/** Principals by the Yjs client id under which they were the first to write. */
export type IdOwners = ReadonlyMap<number, string>

/** Everything needed to open a document: `tail` continues `snapshot` without a gap. */
export type StoredDocument = {
  readonly head: DocumentHead
  readonly snapshot: Snapshot | null
  readonly tail: readonly Entry[]
}

export type Append = {
  readonly name: DocumentName
  /** The append is refused when the name has another incarnation by now. */
  readonly incarnation: string
  /** Stored together or not at all, in this order. At least one. */
  readonly entries: readonly NewEntry[]
  /** Moves the document's schema on, together with the entries; it must stand at `from`. */
  readonly schema?: { readonly from: number; readonly to: number }
  /** The append is refused unless the last entry is this one: nobody has written in between. */
  readonly afterSeq?: number
}

/** Where a living document stands; what whoever follows it needs to know, and cheap to ask. */
export type Position = {
  readonly name: DocumentName
  readonly incarnation: string
  readonly seq: number
  readonly schema: number
}

export type Creation = {
  readonly incarnation: string
  readonly by: string
  /** Ms since 1970. */
  readonly at: number
  /** May a deleted name start a new life? Opening may not, an explicit creation may. */
  readonly afterDeletion: boolean
  /** Version of the schema that the document begins with; 0 unless given. */
  readonly schema?: number
  /** What the document begins with: its first entry, stored together with it or not at all. */
  readonly seed?: Uint8Array
}

export type SnapshotPut = {
  readonly name: DocumentName
  readonly incarnation: string
  /** The newest snapshot that the caller knows (0: none); another one there means `stale`. */
  readonly previousSeq: number
  readonly snapshot: Snapshot
}

export type ListQuery = {
  /** Only names that begin with this. */
  readonly prefix: string
  /** Only names after this one, in order of their bytes. */
  readonly after: string
  readonly limit: number
}

/** Something in the store that failed its check. */
export type Damage = {
  readonly kind: 'entry' | 'snapshot' | 'missing'
  readonly seq: number
  /** The last seq that is concerned; `seq` itself, but for a run of missing entries. */
  readonly upToSeq: number
  readonly sentence: string
}

/** What `weft inspect` shows of one document. */
export type Inspection = {
  readonly head: DocumentHead
  readonly snapshots: readonly { seq: number; at: number; bytes: number; quarantined: boolean }[]
  readonly entries: { readonly count: number; readonly firstSeq: number; readonly bytes: number }
  readonly authors: readonly { author: string; entries: number; lastAt: number }[]
  /** Keeps the document shut, or will be set aside by the next opening. */
  readonly damage: readonly Damage[]
  /** Stored damage that opening goes past: a newer snapshot, or a repair, stands above it. */
  readonly bypassed: readonly Damage[]
}

export type JournalHealth = {
  /** `failing`: the last commit failed. `broken`: no later one can be trusted. */
  readonly state:
    | { readonly kind: 'ok' }
    | { readonly kind: 'failing' | 'broken'; readonly reason: string }
  readonly queuedEntries: number
  readonly queuedBytes: number
}

export interface Journal {
  /** `shared`: other processes write to the same store, so a document has to be followed. */
  readonly writers: 'exclusive' | 'shared'

  /**
   * Whoever had the store before may have ended without a word, so that people may hold changes
   * which were shown to them and are stored nowhere.
   */
  readonly afterCrash: boolean

  /**
   * Resolves with the seq of the last of its entries once they would survive a power cut. Appends
   * are stored in the order of the calls. Rejects with JOURNAL_FULL or JOURNAL_UNAVAILABLE (keep
   * the entries and try again), DOCUMENT_DELETED, INCARNATION_MISMATCH or DOCUMENT_NOT_FOUND, with
   * REQUEST_REPEATED when an entry of the same request is there, SCHEMA_CONFLICT when the schema is
   * not the one expected, SEQ_CONFLICT when the last entry is not; a rejected append has stored nothing, or else (the answer was lost)
   * exactly these entries.
   */
  append(append: Append): Promise<{ readonly seq: number }>

  /**
   * Reads a document. With `create`, a name that the store does not know becomes a new document,
   * durable before this resolves; undefined otherwise. Throws DOCUMENT_DELETED for a deleted name
   * (unless `create.afterDeletion`), DOCUMENT_DAMAGED when the bytes fail their check, and
   * JOURNAL_UNAVAILABLE when the store cannot tell: failing to read is never an empty document.
   */
  open(name: DocumentName, create?: Creation): Promise<StoredDocument | undefined>

  /** The newest life of a name, deleted ones included; undefined when there never was one. */
  head(name: DocumentName): Promise<DocumentHead | undefined>

  /** Living documents in order of their names. */
  list(query: ListQuery): Promise<readonly DocumentHead[]>

  /** History: entries after `afterSeq`, at most `limit` of them. Damaged ones throw. */
  entries(name: DocumentName, afterSeq: number, limit: number): Promise<readonly Entry[]>

  /** Where these documents stand, in any order; names without a living document are left out. */
  positions(names: readonly DocumentName[]): Promise<readonly Position[]>

  /** The entry that a request made in the living document; undefined when it made none. */
  request(
    name: DocumentName,
    key: string,
  ): Promise<{ readonly seq: number; readonly digest: string } | undefined>

  /** Compare-and-set on the seq of the newest snapshot. Entries stay. */
  putSnapshot(put: SnapshotPut): Promise<'put' | 'stale'>

  /** Marks the document as deleted, durably; undefined when there is nothing to delete. */
  remove(name: DocumentName, by: string, at: number): Promise<DocumentHead | undefined>

  inspect(name: DocumentName): Promise<Inspection | undefined>

  health(): JournalHealth

  /** Called once when the store can no longer be trusted; the process should end and start anew. */
  onBroken(listener: (reason: string) => void): void

  /** Stores what is queued, then lets go of the files. */
  close(): Promise<void>
}
