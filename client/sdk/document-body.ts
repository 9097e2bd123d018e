/** One life of an open Y.Doc, with all that is tied to it: replaced as a whole by the next. */
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import { integerBetween, type Random } from '../../shared/random.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import { REMOTE } from './awareness-link.ts'
import type { Connections } from './connections.ts'
import { LocalCopy } from './offline/local-copy.ts'
import type { OfflineStore, StoredCopy } from './offline/offline-store.ts'
import type { StorageProblem } from './offline/storage-problem.ts'
import type { UnstoredAsides } from './offline/unstored-asides.ts'
import { Outbox } from './outbox.ts'
import { SyncChannel } from './sync-channel.ts'
import type { SignalDesk } from './signals/signal-desk.ts'
import type { SyncListener } from './sync-listener.ts'
import { DocumentLink, OTHER_TAB } from './tabs/document-link.ts'
import type { ReplacedBecause } from './tabs/tab-message.ts'
import type { TabGroup } from './tabs/tab-group.ts'
import type { TokenSource } from './token-source.ts'

export type BodyOptions = {
  readonly name: string
  readonly connections: Connections
  readonly tokens: TokenSource
  readonly store: OfflineStore
  readonly clock: Clock
  readonly random: Random
  readonly tabs: TabGroup
  readonly unstored: UnstoredAsides
  /** Versions of the application's schema that this client understands. */
  readonly schema?: SchemaRange | undefined
}

export type BodyHooks = {
  readonly avoid: string | null
  readonly avoidLife: string | null
  readonly kept: boolean
  readonly incarnation: () => string | null
  readonly onIncarnation: (incarnation: string) => void
  /** Another tab has set the copy aside; undefined when only that was seen. */
  readonly onReplaced: (because?: ReplacedBecause) => void
  readonly takeCopy: (stored: StoredCopy) => ReadonlyMap<number, number>
  readonly onKept: (change: number) => void
  readonly onStorageProblem: (problem: StorageProblem | null) => void
  readonly channelListener: SyncListener
  readonly signals: SignalDesk
}

export type Body = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly outbox: Outbox
  readonly channel: SyncChannel
  readonly copy: LocalCopy
  readonly link: DocumentLink
  /** Changes that were made before the copy was read: unsaved like any other. */
  readonly early: Uint8Array[]
}

/** Small, because each frame carries one. */
const FIRST_FRAME_MAX = 8_000

/** Origin of what comes from this device's own copy. */
export const LOCAL_COPY = Symbol('weft: from the local copy')
/** What other tabs get without being told by this one. */
export const KNOWN_ELSEWHERE: ReadonlySet<unknown> = new Set([LOCAL_COPY, REMOTE, OTHER_TAB])

export function createBody(options: BodyOptions & BodyHooks): Body {
  const { onIncarnation, onReplaced, channelListener } = options
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  // Nobody is told of us before the application looks at the document.
  awareness.setLocalState(null)
  // A number of the body before, on the same socket, should not fit here.
  const outbox = new Outbox({ firstFrame: integerBetween(options.random, 1, FIRST_FRAME_MAX) })
  const parts = { doc, awareness, outbox }
  const copy = createCopy(options, parts)
  const link = new DocumentLink({ ...options, ...parts, onIncarnation, onReplaced })
  const channel = new SyncChannel({ ...options, ...parts, listener: channelListener })
  return { ...parts, copy, link, channel, early: [] }
}

function createCopy(
  options: BodyOptions & BodyHooks,
  { doc, outbox }: Pick<Body, 'doc' | 'outbox'>,
): LocalCopy {
  const { tabs, takeCopy, onKept, onStorageProblem, onReplaced } = options
  return new LocalCopy({
    ...options,
    isLeader: () => tabs.isLeader.get(),
    source: {
      encodeState: stateVector => Y.encodeStateAsUpdate(doc, stateVector),
      stateVector: () => Y.encodeStateVector(doc),
      unsavedAfter: last => outbox.changes.filter(({ change }) => change > last),
      take: takeCopy,
    },
    listener: { onKept, onProblem: onStorageProblem, onSetAside: () => onReplaced() },
  })
}
