/** The list of documents of a space: a shared map in a document of its own, so it works offline. */
import type * as Y from 'yjs'
import { systemRandom } from '../../shared/random.ts'

export const pageKinds = ['text', 'board', 'code'] as const
export type PageKind = (typeof pageKinds)[number]

export type PageEntry = {
  readonly id: string
  readonly kind: PageKind
  readonly title: string
  /** Ms since 1970. */
  readonly createdAt: number
}

/** In every space from the beginning, so that nobody looks at an empty list. */
export const FIRST_PAGE: PageEntry = {
  id: 'getting-started',
  kind: 'text',
  title: 'Getting started',
  createdAt: 0,
}

export const indexName = (space: string) => `${space}/index`
export const pageName = (space: string, id: string) => `${space}/pages/${id}`

/** Where in its document the text of a code page is. */
export const CODE = 'code'

/** Anybody who may write can put anything there. */
const pagesOf = (doc: Y.Doc) => doc.getMap<unknown>('pages')

/** A part of addresses and of names. */
export function isPageId(text: string): boolean {
  return /^(?!\.+$)[A-Za-z0-9_.-]{1,64}$/.test(text)
}

/** What a title's input takes. */
export const TITLE_LENGTH_MAX = 120

/** Returns the page's id, which says the kind: some may read the page, and not this list. */
export function createPage(doc: Y.Doc, kind: PageKind, title = ''): string {
  const random = systemRandom.id().slice(0, 10).toLowerCase()
  const id = kind === 'text' ? random : `${kind}.${random}`
  pagesOf(doc).set(id, { kind, title, createdAt: Date.now() })
  return id
}

export function renamePage(doc: Y.Doc, { id, kind, createdAt }: PageEntry, title: string): void {
  pagesOf(doc).set(id, { kind, title, createdAt })
}

export function removePage(doc: Y.Doc, id: string): void {
  pagesOf(doc).delete(id)
}

export function kindOfId(id: string): PageKind {
  const [prefix = '', rest] = id.split('.')
  return rest === undefined || !isKind(prefix) ? 'text' : prefix
}

function isKind(given: unknown): given is PageKind {
  return pageKinds.some(kind => kind === given)
}

/** The list, and being told when it changes. */
export function watchPages(doc: Y.Doc, listener: () => void): () => void {
  const pages = pagesOf(doc)
  pages.observe(listener)
  return () => pages.unobserve(listener)
}

export const noPages: readonly PageEntry[] = [FIRST_PAGE]
const lastRead = new WeakMap<
  Y.Doc,
  { readonly key: string; readonly pages: readonly PageEntry[] }
>()

/** All pages, oldest first; the same array until the list changes. */
export function readPages(doc: Y.Doc): readonly PageEntry[] {
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
  if (!isPageId(id) || typeof entry !== 'object' || entry === null) return []
  const { kind, title, createdAt } = entry as { readonly [field: string]: unknown }
  if (typeof title !== 'string' || typeof createdAt !== 'number') return []
  const known = isKind(kind) ? kind : kindOfId(id)
  return [{ id, kind: known, title: title.slice(0, TITLE_LENGTH_MAX), createdAt }]
}
