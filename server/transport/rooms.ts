/** The rooms of this node, one for each document that has clients. */
import type { Clock } from '../../shared/clock.ts'
import type { WeftError } from '../../shared/errors.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { ToldSignal } from '../features/signals/signals.ts'
import { PresenceLink } from '../presence/presence-link.ts'
import { DocumentPresence, type PresenceLimits } from '../presence/document-presence.ts'
import { Room, type Defer } from './room.ts'

export type Rooms = {
  /** The document's room; it is there as long as somebody is in it. */
  of(document: LiveDocument): Room
  /** Ends sessions of this node; returns how many. */
  disconnect(whom: Whom, error: WeftError): number
  /** Tells sessions of this node that are in the document's room; returns how many. */
  signal(document: string, told: ToldSignal): number
  /** States of this node's sessions, with the document that each is about. */
  present(query?: Whom): readonly Present[]
  /** JSON of where a user's sessions of this node come from, with the document of each. */
  origins(user: string): readonly Pick<Present, 'document' | 'state'>[]
}

export type Present = {
  readonly document: string
  readonly principalId: string
  /** JSON of a stamped state. */
  readonly state: string
}

/** Whose sessions: of a document, of a user, or of a user on a document. Nothing means everybody's. */
export type Whom = { readonly document?: string | undefined; readonly user?: string | undefined }

export type RoomsOptions = {
  readonly limits: PresenceLimits
  /** The least time between two rounds of presence on one document. */
  readonly presenceIntervalMs: number
  readonly clock: Clock
  readonly metrics: Metrics
  /** To the other nodes; left out where there are none. */
  readonly fanout?: Fanout | undefined
  /** A session that was seen has ended. */
  readonly onLeft?: (sighting: { readonly userId: string; readonly document: string }) => void
  readonly defer?: Defer
}

export function createRooms(options: RoomsOptions): Rooms {
  const { onLeft = () => {} } = options
  const { limits, presenceIntervalMs, clock, metrics, fanout, defer = setImmediate } = options
  const rooms = new WeakMap<LiveDocument, Room>()
  /** Those with somebody in them. */
  const open = new Set<Room>()
  /** The same, by name: a document that was made anew may have two for a moment. */
  const named = new Map<string, Set<Room>>()
  const closed = (room: Room) => {
    open.delete(room)
    const others = named.get(room.name)
    others?.delete(room)
    if (others?.size === 0) named.delete(room.name)
  }
  return {
    of(document) {
      const found = rooms.get(document)
      if (found !== undefined && !found.isClosed) return found
      const presence = new DocumentPresence(limits)
      const { name } = document
      const room = new Room(document, {
        presence,
        link:
          fanout &&
          (onChange => new PresenceLink({ name, presence, fanout, clock, metrics, onChange })),
        onClosed: closed,
        presenceIntervalMs,
        onLeft: ({ principalId }) => onLeft({ userId: principalId, document: name }),
        defer,
        clock,
      })
      rooms.set(document, room)
      open.add(room)
      named.set(name, (named.get(name) ?? new Set()).add(room))
      return room
    },
    disconnect({ document, user }, error) {
      let count = 0
      for (const room of Array.from(open)) {
        if (document === undefined || room.name === document) count += room.disconnect(user, error)
      }
      return count
    },
    signal(document, told) {
      let count = 0
      for (const room of named.get(document) ?? []) count += room.signal(told)
      return count
    },
    origins: user =>
      [...open].flatMap(room =>
        room
          .originsOf(user)
          .map(origin => ({ document: room.name, state: JSON.stringify(origin) })),
      ),
    present({ document, user } = {}) {
      return [...open]
        .filter(({ name }) => document === undefined || name === document)
        .flatMap(room =>
          room
            .present()
            .filter(({ principalId }) => user === undefined || principalId === user)
            .map(({ principalId, state }) => ({ document: room.name, principalId, state })),
        )
    },
  }
}
