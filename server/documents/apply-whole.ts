/** Applies an update so that nothing of it stays hanging in the air, and says when Yjs broke. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'

export type Applied =
  | { readonly kind: 'whole' }
  /** Some of it depends on what is not there; that part was dropped. */
  | { readonly kind: 'gap' }
  /** Yjs threw in the middle: nobody can say what the document is now. */
  | { readonly kind: 'broken'; readonly error: unknown }

export function applyWhole(doc: Y.Doc, update: Uint8Array, origin: unknown): Applied {
  try {
    Y.applyUpdate(doc, update, origin)
  } catch (error) {
    return { kind: 'broken', error }
  }
  // An exception that Yjs kept to itself leaves a transaction open, and no update is told of again.
  if (openTransactions(doc) > 0) {
    return { kind: 'broken', error: new Error('a transaction did not end') }
  }
  return dropPending(doc) ? { kind: 'whole' } : { kind: 'gap' }
}

/**
 * True when nothing was pending. The check lets few gaps through; they are not acknowledged either,
 * and must not stay: no later update, of anybody, would be whole.
 */
function dropPending({ store }: Y.Doc): boolean {
  const isWhole = store.pendingStructs === null && store.pendingDs === null
  store.pendingStructs = null
  store.pendingDs = null
  return isWhole
}

/** Yjs works its transactions off one after the other, and keeps the list in a private field. */
function openTransactions(doc: Y.Doc): number {
  const { _transactionCleanups: open } = doc as unknown as {
    readonly _transactionCleanups: readonly unknown[]
  }
  return open.length
}

/** To whoever uses a copy that Yjs broke. */
export function spoiledError(): WeftError {
  return new WeftError('DOCUMENT_UNAVAILABLE', 'the document is read anew', { retryAfterMs: 500 })
}
