/** The list of documents of a space: a shared map in a document of its own, so it works offline. */
import { useCallback, useSyncExternalStore } from 'react'
import type * as Y from 'yjs'
import { systemRandom } from '../../shared/random.ts'

export type PageEntry = {
  readonly id: string
  readonly title: string
  /** Ms since 1970. */
  readonly createdAt: number
}

/** In every space from the beginning, so that nobody looks at an empty list. */
export const FIRST_PAGE: PageEntry = {
  id: 'getting-started',
  title: 'Getting started',
  createdAt: 0,
}

export const indexName = (space: string) => `${space}/index`
export const pageName = (space: string, id: string) => `${space}/pages/${id}`

/** Anybody who may write can put anything there. */
const pagesOf = (doc: Y.Doc) => doc.getMap<unknown>('pages')

/** An id is part of an address; a title is what its input takes. */
const ID = /^[A-Za-z0-9_-]{1,64}$/
export const TITLE_LENGTH_MAX = 120

export function createPage(doc: Y.Doc, title: string): string {
  const id = systemRandom.id().slice(0, 10).toLowerCase()
  pagesOf(doc).set(id, { title, createdAt: Date.now() })
  return id
}

export function renamePage(doc: Y.Doc, { id, createdAt }: PageEntry, title: string): void {
  pagesOf(doc).set(id, { title, createdAt })
}

/** All pages, oldest first; the same array until the list changes. */
export function usePages(doc: Y.Doc | null): readonly PageEntry[] {
  const subscribe = useCallback(
    (listener: () => void) => {
      if (doc === null) return () => {}
      const pages = pagesOf(doc)
      pages.observe(listener)
      return () => pages.unobserve(listener)
    },
    [doc],
  )
  return useSyncExternalStore(subscribe, () => (doc === null ? noPages : readPages(doc)))
}

const noPages: readonly PageEntry[] = [FIRST_PAGE]
const lastRead = new WeakMap<
  Y.Doc,
  { readonly key: string; readonly pages: readonly PageEntry[] }
>()

function readPages(doc: Y.Doc): readonly PageEntry[] {
  const stored = Array.from(pagesOf(doc)).flatMap(([id, entry]) => readPage(id, entry))
  const pages = stored.some(({ id }) => id === FIRST_PAGE.id) ? stored : [FIRST_PAGE, ...stored]
  pages.sort((a, b) => a.createdAt - b.createdAt || a.id.localeCompare(b.id))
  const key = JSON.stringify(pages)
  const last = lastRead.get(doc)
  if (last?.key === key) return last.pages
  lastRead.set(doc, { key, pages })
  return pages
}

/** Nothing for what is no page. */
function readPage(id: string, entry: unknown): readonly PageEntry[] {
  if (!ID.test(id) || typeof entry !== 'object' || entry === null) return []
  const { title, createdAt } = entry as { readonly [field: string]: unknown }
  if (typeof title !== 'string' || typeof createdAt !== 'number') return []
  return [{ id, title: title.slice(0, TITLE_LENGTH_MAX), createdAt }]
}
