/** The rooms of this node, one for each document that has clients. */
import type { LiveDocument } from '../documents/live-document.ts'
import { DocumentPresence, type PresenceLimits } from '../presence/document-presence.ts'
import { Room, type Defer } from './room.ts'

export type Rooms = {
  /** The document's room; it is there as long as somebody is in it. */
  of(document: LiveDocument): Room
}

export function createRooms(limits: PresenceLimits, defer: Defer = setImmediate): Rooms {
  const rooms = new WeakMap<LiveDocument, Room>()
  return {
    of(document) {
      const found = rooms.get(document)
      if (found !== undefined && !found.isClosed) return found
      const room = new Room(document, new DocumentPresence(limits), defer)
      rooms.set(document, room)
      return room
    },
  }
}
