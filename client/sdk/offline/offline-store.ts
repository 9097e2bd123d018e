/** Where a device keeps its copies of documents: the contract of every offline store. */

/** A piece of a copy: one change, or several in one update. */
export type CopyRow = {
  readonly update: Uint8Array
  /** How many changes in it the server has not called durable; 0 for what came from it. */
  readonly unsaved: number
}

export type StoredRow = CopyRow & { readonly id: number }

/**
 * Which copy is meant. A copy that was set aside, and the one that began after it, share a name but
 * not a life: what a slow tab still writes for the one must never end up in the other.
 */
export type CopyRef = { readonly name: string; readonly life: string }

export type CopyMeta = {
  /** The incarnation that the copy belongs to; null for one that never met the server. */
  readonly incarnation: string | null
  /** The last seq that the server called durable. */
  readonly seq: number
  /** Ms since 1970. */
  readonly openedAt: number
  /** Somebody wants it here: it is followed, and never dropped to make room. */
  readonly kept: boolean
}

export type StoredCopy = CopyMeta & {
  readonly life: string
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

export type Join = { readonly ids: readonly number[]; readonly row: CopyRow }

export type CopySummary = CopyMeta & {
  readonly name: string
  readonly unsaved: number
  readonly bytes: number
}

/** A copy that belongs to a document that is no more. */
export type AsideCopy = {
  readonly id: number
  readonly name: string
  readonly life: string
  readonly incarnation: string | null
  readonly unsaved: number
  /** Ms since 1970. */
  readonly at: number
  /** One Yjs update (v1) of everything that could be read. */
  readonly state: Uint8Array
}

/** The copy is not there any more, and what was to be written to it is not in the one that is. */
export class CopyGone extends Error {
  override readonly name = 'CopyGone'
  /** `aside`: it was set aside, the new rows with it. `dropped`: removed, or the whole store was. */
  readonly fate: 'aside' | 'dropped'

  constructor(fate: 'aside' | 'dropped') {
    super(`the copy was ${fate === 'aside' ? 'set aside' : 'dropped'}`)
    this.fate = fate
  }
}

/** What is stored cannot be what was written. */
export class CopyDamaged extends Error {
  override readonly name = 'CopyDamaged'
}

/**
 * Several tabs share a store: rows are only ever added, joined and folded, and no call assumes that
 * the rows it knows are all there are. Every method may reject; the caller goes on without a copy.
 * Writing to a copy that is gone rejects with {@link CopyGone}.
 */
export interface OfflineStore {
  /** Undefined when the device has no copy. Rejects with {@link CopyDamaged}, and gives no half. */
  load(name: string): Promise<StoredCopy | undefined>
  /** Begins a copy; when another tab was faster, theirs is the answer. */
  begin(ref: CopyRef, meta: CopyMeta): Promise<StoredCopy>
  /** Returns the ids of the new rows, in order. */
  append(ref: CopyRef, rows: readonly CopyRow[]): Promise<readonly number[]>
  /** The rows are durable on the server. */
  markSaved(ref: CopyRef, ids: readonly number[]): Promise<void>
  putMeta(ref: CopyRef, meta: Partial<CopyMeta>): Promise<void>
  /** Puts one row in the place of several, in one step. Null when one of them is not there. */
  join(ref: CopyRef, join: Join): Promise<number | null>
  /** Puts a snapshot in the place of saved rows, in one step, and keeps what others folded. */
  fold(ref: CopyRef, fold: Fold): Promise<void>
  list(): Promise<readonly CopySummary[]>
  /** Drops the copy. `saved`: not when the server lacks something of it, and then false. */
  remove(name: string, which: 'saved' | 'any'): Promise<boolean>
  /** Moves the copy of this life, or whichever is there, out of the way in one step. */
  setAside(which: { readonly name: string; readonly life?: string }, at: number): Promise<void>
  asides(): Promise<readonly AsideCopy[]>
  removeAside(id: number): Promise<void>
  /** Told when the store itself was taken away (deleted by another tab, say) and begins anew. */
  onLost(listener: () => void): () => void
  close(): Promise<void>
  /** Leaves no byte on the device. */
  destroy(): Promise<void>
}
