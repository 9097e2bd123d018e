/** What the journal's thread is asked and what it answers. */
import type { WireError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/names.ts'
import type {
  Append,
  Creation,
  Damage,
  DocumentHead,
  Entry,
  Inspection,
  ListQuery,
  Position,
  SnapshotPut,
  StoredDocument,
} from '../journal.ts'

/** Errors lose their class on the way between threads: their wire form goes instead. */
export type AppendAnswer =
  | { readonly ok: true; readonly seq: number }
  | { readonly ok: false; readonly error: WireError }

export type Calls = {
  append: { ask: readonly Append[]; answer: readonly AppendAnswer[] }
  open: { ask: { name: DocumentName; create?: Creation }; answer: StoredDocument | undefined }
  head: { ask: DocumentName; answer: DocumentHead | undefined }
  list: { ask: ListQuery; answer: readonly DocumentHead[] }
  entries: {
    ask: { name: DocumentName; afterSeq: number; limit: number }
    answer: readonly Entry[]
  }
  positions: { ask: readonly DocumentName[]; answer: readonly Position[] }
  request: {
    ask: { name: DocumentName; key: string }
    answer: { readonly seq: number; readonly digest: string } | undefined
  }
  putSnapshot: { ask: SnapshotPut; answer: 'put' | 'stale' }
  remove: {
    ask: { name: DocumentName; by: string; at: number }
    answer: DocumentHead | undefined
  }
  inspect: { ask: DocumentName; answer: Inspection | undefined }
  close: { ask: null; answer: null }
}

export type CallName = keyof Calls

/** One question; `id` comes back with its answer. */
export type Question = {
  [Name in CallName]: { readonly id: number; readonly call: Name; readonly ask: Calls[Name]['ask'] }
}[CallName]

export type Failure = WireError & {
  /** The store itself is gone (a failed sync, say): nothing it says later can be trusted. */
  readonly broken: boolean
}

export type FromThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'damage'; readonly name: DocumentName; readonly damage: Damage }
