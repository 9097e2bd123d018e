/** The rooms of this node, one for each document that has clients. */
import type { Clock } from '../../shared/clock.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import { DocumentPresence, type PresenceLimits } from '../presence/document-presence.ts'
import { Room, type Defer } from './room.ts'

export type Rooms = {
  /** The document's room; it is there as long as somebody is in it. */
  of(document: LiveDocument): Room
}

export type RoomsOptions = {
  readonly limits: PresenceLimits
  readonly clock: Clock
  readonly defer?: Defer
}

export function createRooms({ limits, clock, defer = setImmediate }: RoomsOptions): Rooms {
  const rooms = new WeakMap<LiveDocument, Room>()
  return {
    of(document) {
      const found = rooms.get(document)
      if (found !== undefined && !found.isClosed) return found
      const room = new Room(document, {
        presence: new DocumentPresence(limits),
        defer,
        clock,
      })
      rooms.set(document, room)
      return room
    },
  }
}
