/** What the hooks on people have in common: members of whatever awareness the document has now. */
import { useMemo } from 'react'
import type { Readable } from '../sdk/index.ts'
import { useDocumentStore } from './document-provider.tsx'
import type { DocumentView } from './document-store.ts'
import type { Member } from './member.ts'
import { membersOf } from './members.ts'
import { nested } from './nested.ts'

export const NOBODY: readonly Member[] = []

const othersIn = (view: DocumentView | null) =>
  view === null ? null : membersOf(view.awareness).others
const selfIn = (view: DocumentView | null) =>
  view === null ? null : membersOf(view.awareness).self

export function useOthersSource(): Readable<readonly Member[]> {
  const store = useDocumentStore()
  return useMemo(() => nested(store, othersIn, NOBODY), [store])
}

export function useSelfSource(): Readable<Member | null> {
  const store = useDocumentStore()
  return useMemo(() => nested<DocumentView | null, Member | null>(store, selfIn, null), [store])
}
