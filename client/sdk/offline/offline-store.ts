/** Where a device keeps its copies of documents: the contract of every offline store. */

/** A piece of a copy: one change, or several in one update. */
export type CopyRow = {
  readonly update: Uint8Array
  /** How many changes in it the server has not called durable; 0 for what came from it. */
  readonly unsaved: number
}

export type StoredRow = CopyRow & { readonly id: number }

export type CopyMeta = {
  /** The incarnation that the copy belongs to; null for one that never met the server. */
  readonly incarnation: string | null
  /** The last seq that the server called durable. */
  readonly seq: number
}

export type StoredCopy = CopyMeta & {
  /** Folded rows; null when there are none. */
  readonly snapshot: Uint8Array | null
  readonly rows: readonly StoredRow[]
}

export type Compaction = {
  /** Holds at least what the folded rows hold. */
  readonly snapshot: Uint8Array
  /** Saved rows that go into the snapshot. */
  readonly folded: readonly number[]
  /** Unsaved rows that become one; null when there are fewer than two. */
  readonly unsaved: { readonly ids: readonly number[]; readonly row: CopyRow } | null
}

export type CopySummary = {
  readonly name: string
  readonly unsaved: number
  readonly incarnation: string | null
}

/** A copy that belongs to a document that is no more. */
export type AsideCopy = {
  readonly id: number
  readonly name: string
  readonly incarnation: string | null
  readonly unsaved: number
  /** Ms since 1970. */
  readonly at: number
  /** One Yjs update (v1) of everything. */
  readonly state: Uint8Array
}

/**
 * Several tabs share a store: rows are only ever added and folded, and no call assumes that the
 * rows it knows are all there are. Every method may reject; the caller goes on without a copy.
 */
export interface OfflineStore {
  /** Undefined when the device has no copy. */
  load(name: string): Promise<StoredCopy | undefined>
  /** Returns the ids of the new rows, in order. */
  append(name: string, rows: readonly CopyRow[]): Promise<readonly number[]>
  /** The rows are durable on the server. */
  markSaved(name: string, ids: readonly number[]): Promise<void>
  putMeta(name: string, meta: CopyMeta): Promise<void>
  /** In one step. Returns the id of the row that the unsaved ones became, if they did. */
  compact(name: string, compaction: Compaction): Promise<number | null>
  list(): Promise<readonly CopySummary[]>
  /** Drops the copy. */
  remove(name: string): Promise<void>
  /** Moves the copy out of the way, in one step; a new one can begin under the name. */
  setAside(name: string, at: number): Promise<void>
  asides(): Promise<readonly AsideCopy[]>
  removeAside(id: number): Promise<void>
  close(): Promise<void>
}
