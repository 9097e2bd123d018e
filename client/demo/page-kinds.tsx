/** The kinds of pages, as one chooses and recognizes them. */
import { BoardIcon, CodePageIcon, PageIcon } from './icons.tsx'
import type { MenuChoice } from './menu.tsx'
import { pageKinds, type PageKind } from './space-index.ts'

const kinds = {
  text: { name: 'Text', hint: 'Write together', icon: <PageIcon /> },
  board: { name: 'Board', hint: 'Notes and shapes', icon: <BoardIcon /> },
  code: { name: 'Code', hint: 'A program, or plain text', icon: <CodePageIcon /> },
} as const

export const pageKindChoices: readonly MenuChoice<PageKind>[] = pageKinds.map(value => ({
  value,
  ...kinds[value],
}))

export function PageKindIcon({ kind }: { readonly kind: PageKind }) {
  return kinds[kind].icon
}
