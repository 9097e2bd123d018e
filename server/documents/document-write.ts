/** What is said to a live document, and what it says: writes, their outcomes, and its news. */
import type { WeftError } from '../../shared/errors.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import type { Append, RequestMark } from '../journal/journal.ts'
import type { DurableBatch, SavingState } from './document-log.ts'
import type { UpdateKind } from './update-check.ts'

/** Who wrote, and through which door; the origin of the Yjs transaction. */
export type WriteOrigin = {
  /** The principal's id. */
  readonly author: string
  /** The session or request, so that nothing is echoed to it. */
  readonly source: object
  readonly kind: UpdateKind
  /** Where in the document the author may write; undefined: everywhere. */
  readonly rule?: WriteRule | undefined
  /**
   * `new`: it goes to the journal, and other nodes are told. `stored`: it was made here and is in
   * the journal; they are told. `theirs`: it came from another node, or from its entries.
   */
  readonly path?: 'new' | 'stored' | 'theirs'
}

/** Author of changes that come from no principal: the server's own code. */
export const SERVER_AUTHOR = 'server'

export function isWriteOrigin(origin: unknown): origin is WriteOrigin {
  return typeof origin === 'object' && origin !== null && 'author' in origin && 'source' in origin
}

/** May it hold what others wrote? Of somebody who is held to a rule nothing of others is taken. */
export function handsOver(origin: WriteOrigin | null): boolean {
  return origin?.kind === 'state' && origin.rule === undefined
}

export type WriteOutcome =
  /** It is in the document, and durable as soon as `version` is. */
  | { readonly kind: 'applied'; readonly version: number }
  /** It depends on something missing; the document is as it was. Ask the writer for all it has. */
  | { readonly kind: 'gap' }

export type DocumentListener = {
  /** Called inside the transaction that made the change, for every change, in order. */
  readonly onUpdate?: (update: Uint8Array, origin: WriteOrigin | null) => void
  readonly onDurable?: (batch: DurableBatch) => void
  readonly onSaving?: (state: SavingState) => void
  /** The document follows another version of the application's schema now. */
  readonly onSchema?: (schema: number) => void
  /** The document ends under its holders: deleted, let go, or no longer to be stored. */
  readonly onEnd?: (error: WeftError) => void
}

/** A write that nobody sees before it is durable. */
export type DurableWrite = Pick<Append, 'schema' | 'afterSeq'> & {
  readonly update: Uint8Array
  readonly author: string
  /** Where in the document the author may write; undefined: everywhere. */
  readonly rule?: WriteRule | undefined
  readonly request?: RequestMark
}

/** Updates to be applied in this order; together they are what was asked for. */
export type Updates = readonly [Uint8Array, ...Uint8Array[]]
