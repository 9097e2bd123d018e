/** Names the document that the hooks below are about, and keeps it open while it is mounted. */
import { createContext, use, useEffect, type ReactNode } from 'react'
import { documentStore, type DocumentStore } from './document-store.ts'
import { useClient } from './provider.tsx'

const DocumentContext = createContext<string | null>(null)

export type DocumentProviderProps = {
  readonly name: string
  /** What others are told of this window until it tells something else. Read once. */
  readonly initialPresence?: { readonly [field: string]: unknown }
  readonly children: ReactNode
}

/**
 * @example
 * <DocumentProvider name="acme/notes">
 *   <AvatarStack />
 *   <Notes />
 * </DocumentProvider>
 */
export function DocumentProvider(props: DocumentProviderProps): ReactNode {
  const { name, initialPresence, children } = props
  const client = useClient()
  useEffect(() => {
    // Looked up here: the store of a document that was let go of is another one later.
    const store = documentStore(client, name)
    if (initialPresence !== undefined) store.presence.setInitial(initialPresence)
    return store.subscribe(() => {})
    // oxlint-disable-next-line react/exhaustive-deps -- read once, whatever it is made of
  }, [client, name])
  return <DocumentContext value={name}>{children}</DocumentContext>
}

/** The store of a document by its name, or of the nearest {@link DocumentProvider}. */
export function useDocumentStore(name?: string): DocumentStore {
  const client = useClient()
  const nearest = use(DocumentContext)
  const wanted = name ?? nearest
  if (wanted === null) {
    throw new Error(
      'weft: this component is not inside a <DocumentProvider>, and names no document',
    )
  }
  return documentStore(client, wanted)
}

/** null outside of a {@link DocumentProvider}. */
export function useNearestStore(): DocumentStore | null {
  const client = useClient()
  const name = use(DocumentContext)
  return name === null ? null : documentStore(client, name)
}
