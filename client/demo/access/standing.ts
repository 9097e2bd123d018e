/** What somebody may do with a page just now, as one union; what is shown follows from it. */
import type * as Y from 'yjs'
import type { DocumentView } from '../../react/index.ts'
import type { WireError } from '../../sdk/index.ts'

export type Standing =
  /** Nothing to show yet: the copy is being read, or nobody knows whether there is access. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'writing' }
  /** May remark on it, and not change it. */
  | { readonly kind: 'commenting' }
  | { readonly kind: 'reading' }
  /** The page is newer than this program. */
  | { readonly kind: 'outdated' }
  /** May not see it (any more). */
  | { readonly kind: 'shut' }
  /** Refused for another reason, which has to do with the page and not with the person. */
  | { readonly kind: 'refused'; readonly error: WireError }

/** `isGuest`: has nothing but what was granted, so nothing is shown before the server has spoken. */
export function standingOf(view: DocumentView | null, isGuest: boolean): Standing {
  if (view === null || !view.loaded) return { kind: 'waiting' }
  const { status, access, notice, doc } = view
  if (status.kind === 'refused') {
    return isShut(status.error) ? { kind: 'shut' } : { kind: 'refused', error: status.error }
  }
  // What is not there yet must not look like an empty page, which nobody could write on.
  const mayWrite = access === 'write' || (access === null && !isGuest)
  if (!mayWrite && status.kind !== 'live' && isBlank(doc)) return { kind: 'waiting' }
  if (notice?.code === 'UPGRADE_REQUIRED') return { kind: 'outdated' }
  if (access === 'read') return { kind: 'reading' }
  return access === 'comment' ? { kind: 'commenting' } : { kind: 'writing' }
}

function isShut({ code }: WireError): boolean {
  return code === 'FORBIDDEN' || code === 'TOKEN_REVOKED'
}

function isBlank(doc: Y.Doc): boolean {
  return doc.store.clients.size === 0
}
