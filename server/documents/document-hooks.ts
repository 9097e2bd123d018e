/** What an application may add to the life of a document; all of it runs under supervision. */
import type * as Y from 'yjs'
import type { DocumentName } from '../../shared/names.ts'
import type { Roots } from './roots-check.ts'
import type { Json } from './doc-json.ts'

export type DocumentHooks = {
  /**
   * What a new document begins with: JSON of its root types, a Yjs update (v1), or nothing. Called
   * before anybody sees the document; what it answers is stored with the creation, so it happens
   * once in the document's life. Required: a document whose seed fails is not created.
   */
  readonly seed?: (name: DocumentName) => Seed | undefined | Promise<Seed | undefined>
  readonly schema?: DocumentSchema
  /** The document came into memory. Observed: nothing waits for it. */
  readonly onOpen?: (event: DocumentEvent) => unknown
  /** Changes became durable. Observed. */
  readonly onStored?: (event: StoredEvent) => unknown
  /** The document left memory. Observed. */
  readonly onClose?: (event: DocumentEvent) => unknown
  /** The document was deleted. Observed. */
  readonly onDelete?: (event: DocumentEvent) => unknown
}

export type Seed = Uint8Array | { readonly [root: string]: Json }

/** Versions are whole numbers from 1 on; 0 is a document from before anybody counted. */
export type DocumentSchema = {
  /** What new documents follow, and what clients may bring a document up to. */
  readonly version: number
  /**
   * By the version that they lead to. Each changes the document from the version before, without
   * waiting for anything. Required: when one throws, nothing of it is stored.
   */
  readonly migrations: Readonly<Record<number, (doc: Y.Doc) => void>>
  /**
   * The root types that a document of this name has. Where they are declared, an update that opens
   * another root, or puts into one what does not belong there, is refused.
   */
  readonly roots?: (name: DocumentName) => Roots | undefined
}

export type DocumentEvent = { readonly name: DocumentName; readonly incarnation: string }

export type StoredEvent = DocumentEvent & { readonly seq: number; readonly entries: number }
