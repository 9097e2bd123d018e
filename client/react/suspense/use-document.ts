import { useDocumentStore } from '../document-provider.tsx'
import type { DocumentView } from '../document-store.ts'
import { useSelected, type IsEqual } from '../use-readable.ts'
import { useReady } from './use-ready.ts'

/** Like `useDocument` of `weft/react`, and never null: it suspends, and throws a refusal. */
export function useDocument(name?: string): DocumentView
export function useDocument<Selection>(
  name: string | undefined,
  select: (view: DocumentView) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useDocument(
  name?: string,
  select: (view: DocumentView) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  const ready = useReady(name)
  return useSelected(useDocumentStore(name), {
    // Let go of in this very moment it is shown as it was.
    select: view => select(view ?? ready),
    isEqual,
    onServer: null,
  })
}

const whole = (view: DocumentView) => view
