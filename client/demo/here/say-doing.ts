/** What somebody in the space does, in a few words. */
import type { PageEntry, PageKind } from '../space-index.ts'
import type { SpacePerson } from './use-space-people.ts'

const writing: Readonly<Record<PageKind, string>> = {
  text: 'writing on',
  board: 'drawing on',
  code: 'coding in',
}

/** `page`: where they are, as far as the reader has it in their list. */
export function sayDoing(
  { status, activity }: SpacePerson,
  page: Pick<PageEntry, 'kind' | 'title'> | undefined,
): string {
  if (status === 'away') return 'away'
  if (page === undefined) return 'here'
  const verb =
    activity?.kind === 'writing' ? writing[page.kind] : page.kind === 'board' ? 'on board' : 'on'
  return `${verb} ${page.title === '' ? 'Untitled' : page.title}`
}
