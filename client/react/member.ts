/** Who is on a document: what the server says of a person, and what their program tells. */
import { safeColor, safeName } from '../../shared/person.ts'
import type { PresenceFields, PresenceStatus } from '../../shared/presence.ts'

/** What the server says of somebody, from their token. An application may have more in it. */
export type User = {
  readonly id: string
  readonly name: string
  readonly color: string
  readonly kind: 'user' | 'agent' | 'service'
  /** Address of a picture. */
  readonly avatar?: string
}

export type Status = PresenceStatus

/** What the components look at; an application may tell more. */
export type Presence = Readonly<PresenceFields> & {
  /** Where they point to, from 0 (left, top) to 1 (right, bottom) of a shared area. */
  readonly cursor?: PointerPlace | null
}

export type PointerPlace = { readonly x: number; readonly y: number }

/** One window of somebody. The object is the same until something in it changes. */
export type Member<P = Presence, U = User> = {
  /** Of this window, for as long as it has the document open. */
  readonly clientId: number
  /** null: nobody has said who it is. Of this window itself: until the application tells it, as `user`. */
  readonly user: U | null
  /** All of it is optional: what others send need not be whole. */
  readonly presence: Partial<P>
}

type State = { readonly [field: string]: unknown }

/** What an awareness holds of a client. */
export function readMember(clientId: number, { user, ...presence }: State): Member {
  return { clientId, user: readUser(user, clientId), presence }
}

/** Servers that say nothing of people pass on what those say of themselves. */
function readUser(given: unknown, clientId: number): User | null {
  if (typeof given !== 'object' || given === null) return null
  const { id, name, color, kind, avatar, ...more } = given as Partial<User>
  if (typeof name !== 'string') return null
  return {
    ...more,
    id: typeof id === 'string' ? id : `client-${clientId}`,
    name: safeName(name),
    color: safeColor(color),
    kind: kind === 'agent' || kind === 'service' ? kind : 'user',
    ...(isPicture(avatar) ? { avatar } : {}),
  }
}

/** Nothing that a page would run, and nothing that is fetched without encryption. */
function isPicture(avatar: unknown): avatar is string {
  return typeof avatar === 'string' && /^(?:https:\/\/|\/(?!\/)|data:image\/)/.test(avatar)
}
