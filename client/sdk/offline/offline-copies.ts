/** `client.offline`: what this device holds, and what the application can do about it. */
import * as Y from 'yjs'
import type { WireError } from '../../../shared/errors.ts'
import { openableName } from '../../../shared/system-names.ts'
import { firstValue, type Readable } from '../observable.ts'
import type { OpenDocuments } from '../open-documents.ts'
import type { TabGroup } from '../tabs/tab-group.ts'
import type { BackgroundVisits } from './background-visits.ts'
import type { Caretaker } from './caretaker.ts'
import { mergeCopy } from './copy-bytes.ts'
import type { AsideCopy, CopySummary, OfflineStore } from './offline-store.ts'
import type { StorageHealth } from './storage-health.ts'
import type { PersistenceState } from './storage-problem.ts'
import type { UnstoredAsides } from './unstored-asides.ts'
import { UnsentChangesError, type UnsentDocument } from './unsent-changes-error.ts'

export type OfflineDocument = {
  readonly name: string
  /** Changes that the server has not called durable. */
  readonly unsent: number
  /** Kept on this device on demand, see {@link OfflineCopies.keep}. */
  readonly kept: boolean
  readonly bytes: number
  /** Ms since 1970. */
  readonly lastOpened: number
  readonly incarnation: string | null
  /** Why the server would not take the unsent changes, when it was asked. */
  readonly refusal: WireError | null
}

export type OfflineCopies = {
  /** Does this device keep what it should; if not, why. */
  readonly state: Readable<PersistenceState>
  /** Everything on this device, and how much of it the server does not have. */
  list(): Promise<readonly OfflineDocument[]>
  /**
   * Keeps a document on this device: it is followed in the background, now and after a restart, and
   * never dropped to make room. Resolves when it is here as a whole; offline, that waits.
   */
  keep(name: string): Promise<void>
  /** The copy stays for now, and may be dropped to make room. */
  unkeep(name: string): Promise<void>
  /**
   * Drops a copy. Throws {@link UnsentChangesError} when the server lacks something of it, unless
   * forced. An open document begins a new copy with its next change.
   */
  forget(name: string, options?: { readonly force?: boolean }): Promise<void>
  /** A copy as one Yjs update (v1); undefined when there is none. */
  export(name: string): Promise<Uint8Array | undefined>
  /**
   * Copies of documents that were deleted, or made anew, on the server; with changes that it refused;
   * and damaged ones. Those that the device would not take have an id below zero, and are gone with
   * the page.
   */
  setAside(): Promise<readonly AsideCopy[]>
  /** Drops a set-aside copy for good. */
  discard(id: number): Promise<void>
}

export type OfflineParts = {
  readonly store: OfflineStore
  readonly documents: OpenDocuments
  readonly visits: BackgroundVisits
  readonly caretaker: Caretaker
  readonly health: StorageHealth
  readonly tabs: TabGroup
  readonly unstored: UnstoredAsides
}

export function createOfflineCopies(parts: OfflineParts): OfflineCopies {
  const { store, documents, visits, caretaker, health, tabs, unstored } = parts
  const changed = () => {
    tabs.post({ type: 'kept' })
    caretaker.look()
  }
  return {
    state: health.state,
    async list() {
      const refusalOf = (name: string) => visits.refusalOf(name) ?? null
      return (await listCopies(parts)).map(
        ({ name, unsaved, kept, bytes, openedAt, incarnation }) => {
          const refusal = unsaved === 0 ? null : refusalOf(name)
          return { name, unsent: unsaved, kept, bytes, lastOpened: openedAt, incarnation, refusal }
        },
      )
    },
    async keep(given) {
      const name = openableName(given)
      const handle = documents.open(name, 'background')
      try {
        documents.find(name)?.keep(true)
        await handle.whenLoaded()
        await documents.find(name)?.flush()
        changed()
        await handle.whenSynced()
        await documents.find(name)?.flush()
      } finally {
        handle.close()
      }
    },
    async unkeep(given) {
      const name = openableName(given)
      const handle = documents.open(name, 'background')
      documents.find(name)?.keep(false)
      await handle.whenLoaded()
      await documents.find(name)?.flush()
      handle.close()
      changed()
    },
    async forget(name, { force = false } = {}) {
      const unsent = force ? [] : (await unsentDocuments(parts)).filter(one => one.name === name)
      if (unsent.length > 0) throw new UnsentChangesError(unsent)
      const isDropped = await store.remove(name, force ? 'any' : 'saved')
      if (!isDropped) throw new UnsentChangesError([{ name, unsent: 1 }])
      changed()
    },
    async export(name) {
      const document = documents.find(name)
      if (document !== undefined) {
        const { doc } = await firstValueOf(document.state)
        return Y.encodeStateAsUpdate(doc)
      }
      const copy = await store.load(name)
      const isEmpty = copy === undefined || (copy.snapshot === null && copy.rows.length === 0)
      return isEmpty ? undefined : mergeCopy(copy.snapshot, copy.rows)
    },
    async setAside() {
      // A store that cannot be read has no list: what is in memory is known all the same.
      const stored = await store.asides().catch((): readonly AsideCopy[] => [])
      return [...stored, ...unstored.list()]
    },
    async discard(id) {
      if (!unstored.remove(id)) await store.removeAside(id)
    },
  }
}

const firstValueOf = (state: OpenState) => firstValue(state, ({ loaded }) => loaded)
type OpenState = NonNullable<ReturnType<OpenDocuments['find']>>['state']

export async function unsentDocuments(
  parts: Pick<OfflineParts, 'store' | 'documents'>,
): Promise<readonly UnsentDocument[]> {
  // What the server has just called durable is in the outbox first, and then in the store.
  const open = [...parts.documents.all().values()]
  await Promise.all(open.map(document => document.flush()))
  const copies = await listCopies(parts)
  return copies
    .filter(({ unsaved }) => unsaved > 0)
    .map(({ name, unsaved }) => ({ name, unsent: unsaved }))
}

/** What is stored, and what only this page has because it could not be. */
async function listCopies({
  store,
  documents,
}: Pick<OfflineParts, 'store' | 'documents'>): Promise<readonly CopySummary[]> {
  // A store that cannot be read has no list, and `state` says why: what is open is still known.
  const stored = await store.list().catch((): readonly CopySummary[] => [])
  const copies = new Map(stored.map(copy => [copy.name, copy]))
  for (const [name, document] of documents.all()) {
    const { unsaved } = document.state.get()
    const copy = copies.get(name)
    if (copy !== undefined) copies.set(name, { ...copy, unsaved: Math.max(copy.unsaved, unsaved) })
    else if (unsaved > 0) {
      const meta = { incarnation: null, seq: 0, openedAt: 0, kept: false }
      copies.set(name, { name, ...meta, unsaved, bytes: 0 })
    }
  }
  return [...copies.values()].filter(({ bytes, unsaved, kept }) => bytes + unsaved > 0 || kept)
}
