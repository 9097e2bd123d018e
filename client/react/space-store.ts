/** Makes a space something that React can watch: one session, however many components look at it. */
import {
  WeftError,
  type DocumentStatus,
  type JoinedView,
  type Readable,
  type SpaceDetailsView,
  type WeftClient,
  type WireError,
} from '../sdk/index.ts'
import { Observable } from '../sdk/observable.ts'
import type { DocumentStore, DocumentView } from './document-store.ts'
import type { Member, Presence, User } from './member.ts'
import { membersOf } from './members.ts'
import { nested } from './nested.ts'
import { isSamePeople, peopleOf, type Person } from './people.ts'

/** A space at one moment; the object is the same until something in it changes. */
export type SpaceSnapshot<P = Presence, U = User> = {
  readonly name: string
  readonly status: DocumentStatus
  readonly connection: 'connecting' | 'connected' | 'disconnected'
  /** Why one is not in it: it is full, closed, or for others. */
  readonly error: WireError | null
  /** This window; null while nobody is told of it. */
  readonly self: Member<P, U> | null
  /** Everybody else, one for each window. */
  readonly others: readonly Member<P, U>[]
  /** Everybody once, oneself first. */
  readonly people: readonly Person[]
  /** What was said of the space; null until the server has answered. */
  readonly info: SpaceDetailsView | null
  /** Changes what this window tells the others. The same function for as long as it is open. */
  readonly setPresence: (patch: { readonly [field: string]: unknown }) => void
  /** Asks a server that refused once more: when a closed space was opened again, say. */
  readonly retry: () => void
  readonly join: () => Promise<JoinedView>
  readonly leave: () => Promise<void>
}

const NOBODY: readonly Member[] = []
const NO_PEOPLE: readonly Person[] = []
const OFFLINE: DocumentStatus = { kind: 'offline' }

const stores = new WeakMap<DocumentStore, Readable<SpaceSnapshot>>()

/** `store` is of the space's own document. */
export function spaceStore(store: DocumentStore, name: string): Readable<SpaceSnapshot> {
  const known = stores.get(store) ?? createStore(store, name)
  stores.set(store, known)
  return known
}

/** Before there is a browser. */
export function spaceOnServer(name: string): SpaceSnapshot {
  return {
    name,
    status: OFFLINE,
    connection: 'disconnected',
    error: null,
    self: null,
    others: NOBODY,
    people: NO_PEOPLE,
    info: null,
    setPresence: () => {},
    retry: () => {},
    join: notHere,
    leave: notHere,
  }
}

function createStore(store: DocumentStore, name: string): Readable<SpaceSnapshot> {
  const othersIn = (view: DocumentView | null) =>
    view === null ? null : membersOf(view.awareness).others
  const selfIn = (view: DocumentView | null) =>
    view === null ? null : membersOf(view.awareness).self
  const others = nested(store, othersIn, NOBODY)
  const self = nested<DocumentView | null, Member | null>(store, selfIn, null)
  const info = createInfo(store.client, name)
  const retry = () => {
    const view = store.get()
    if (view?.status.kind === 'refused') view.handle.retry()
  }
  let last: SpaceSnapshot = {
    ...spaceOnServer(name),
    setPresence: store.presence.set,
    retry,
    async join() {
      const joined = await store.client.spaces.join(name)
      retry()
      await info.refresh()
      return joined
    },
    async leave() {
      await store.client.spaces.leave(name)
    },
  }
  const get = () => {
    const next = snapshotOf(last, { view: store.get(), others: others.get(), self: self.get() })
    const known = info.value.get()
    last = next.info === known ? next : { ...next, info: known }
    return last
  }
  return {
    get,
    subscribe(listener) {
      const look = () => {
        // What was said of it may have changed while one was away.
        if (get().status.kind === 'live') info.ask()
        listener()
      }
      // All of these hear when the document opens, closes, or becomes another one.
      const stops = [store, others, info.value].map(source => source.subscribe(look))
      look()
      return () => stops.forEach(stop => stop())
    },
  }
}

type Seen = {
  readonly view: DocumentView | null
  readonly others: readonly Member[]
  readonly self: Member | null
}

function snapshotOf(last: SpaceSnapshot, { view, others, self }: Seen): SpaceSnapshot {
  const status = view?.status ?? OFFLINE
  const isSame = last.others === others && last.self === self
  if (isSame && last.status === status) return last
  const people = isSame ? last.people : peopleOf(others, self)
  return {
    ...last,
    status,
    connection: words[status.kind],
    error: status.kind === 'refused' || status.kind === 'blocked' ? status.error : null,
    others,
    self,
    people: isSamePeople(last.people, people) ? last.people : people,
  }
}

const words = {
  offline: 'disconnected',
  connecting: 'connecting',
  authenticating: 'connecting',
  loading: 'connecting',
  syncing: 'connected',
  live: 'connected',
  blocked: 'disconnected',
  refused: 'disconnected',
} as const satisfies Record<DocumentStatus['kind'], SpaceSnapshot['connection']>

/** Asked once for each time that one comes in. */
function createInfo(client: WeftClient, name: string) {
  const value = new Observable<SpaceDetailsView | null>(null)
  let isAsked = false
  const refresh = async () => {
    try {
      value.set(await client.spaces.info(name))
    } catch {
      // Being here does not depend on it; the next time it is asked again.
      isAsked = false
    }
  }
  return {
    value,
    refresh,
    ask() {
      if (isAsked) return
      isAsked = true
      void refresh()
    },
  }
}

function notHere(): Promise<never> {
  return Promise.reject(new WeftError('SHUTTING_DOWN', 'spaces are joined in browsers only'))
}
