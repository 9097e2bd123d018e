import { useDocumentStore } from './document-provider.tsx'
import type { Access, WireError } from '../sdk/index.ts'
import type { DocumentView } from './document-store.ts'
import { useSelected } from './use-readable.ts'

/** What this user may do with the document, for as long as the server says so. */
export type Permission = {
  /** null: the server has not said yet. */
  readonly access: Access | null
  readonly canRead: boolean
  readonly canComment: boolean
  /**
   * True as well while nobody has said: what is written offline is kept here, and set aside if
   * the server refuses it.
   */
  readonly canWrite: boolean
  /** Why it is less than it was, or nothing at all. */
  readonly reason: WireError | null
}

/** Changes as grants are given and taken, without reload. Of the nearest document, or the named. */
export function usePermission(name?: string): Permission {
  const store = useDocumentStore(name)
  return useSelected(store, { select: permissionOf, isEqual: isSame, onServer: null })
}

export function permissionOf(view: DocumentView | null): Permission {
  if (view === null) return { ...nothing, access: null, reason: null }
  const { status, access, notice } = view
  if (status.kind === 'refused') return { ...nothing, access: null, reason: status.error }
  const canWrite = access === 'write' || access === null
  return {
    access,
    canRead: true,
    canComment: canWrite || access === 'comment',
    canWrite,
    reason: notice,
  }
}

const nothing = { canRead: false, canComment: false, canWrite: false } as const

function isSame(a: Permission, b: Permission): boolean {
  return a.access === b.access && a.canRead === b.canRead && a.reason === b.reason
}
