import { useDocumentStore } from './document-provider.tsx'
import type { DocumentView } from './document-store.ts'
import { useSelected, type IsEqual } from './use-readable.ts'

/**
 * Opens a document while a component shows it; without a name, the one of the nearest
 * `<DocumentProvider>`. null in the first render (and on the server). Renders again when the state
 * changes, or the part of it that `select` takes. Throws NAME_INVALID for a bad name.
 *
 * @example
 * const notes = useDocument('acme/notes')
 * return notes === null ? null : <Editor doc={notes.doc} awareness={notes.awareness} />
 * @example
 * const doc = useDocument('acme/notes', notes => notes?.doc)
 */
export function useDocument(name?: string): DocumentView | null
export function useDocument<Selection>(
  name: string | undefined,
  select: (view: DocumentView | null) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useDocument(
  name?: string,
  select: (view: DocumentView | null) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  return useSelected(useDocumentStore(name), { select, isEqual, onServer: null })
}

const whole = (view: DocumentView | null) => view
