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
  /** Counts the snapshots of this copy. */
  readonly revision: number
  readonly rows: readonly StoredRow[]
}

export type Fold = {
  /** Holds at least what the folded rows and the snapshot of `revision` hold. */
  readonly snapshot: Uint8Array
  readonly revision: number
  readonly folded: readonly number[]
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
  /** Puts one row in the place of several, in one step. Null when none of them is there any more. */
  join(name: string, ids: readonly number[], row: CopyRow): Promise<number | null>
  /** Puts a snapshot in the place of saved rows, in one step, and keeps what others folded. */
  fold(name: string, fold: Fold): Promise<void>
  list(): Promise<readonly CopySummary[]>
  /** Drops the copy. */
  remove(name: string): Promise<void>
  /** Moves the copy out of the way, in one step; a new one can begin under the name. */
  setAside(name: string, at: number): Promise<void>
  asides(): Promise<readonly AsideCopy[]>
  removeAside(id: number): Promise<void>
  close(): Promise<void>
}
