/** Members as people: one entry for each, however many windows they have. */
import { readPresenceFields, type Activity } from '../../shared/presence.ts'
import type { Member, Status, User } from './member.ts'

export type Person = {
  /** The user's id. */
  readonly id: string
  readonly user: User
  readonly status: Status
  /** What they are doing. */
  readonly activity: Activity | null
  readonly isTyping: boolean
  readonly isSelf: boolean
}

/** Oneself first, then by name. Who has not said who they are is nobody to show. */
export function peopleOf(others: readonly Member[], self: Member | null): readonly Person[] {
  const people = new Map<string, Person>()
  const add = (member: Member, isSelf: boolean) => {
    const person = personOf(member)
    if (person === null) return
    const known = people.get(person.id)
    const own = isSelf ? { ...person, isSelf } : person
    people.set(person.id, known === undefined ? own : joined(known, own))
  }
  if (self !== null) add(self, true)
  for (const other of others) add(other, false)
  return [...people.values()].sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || compare(a, b))
}

function compare(a: Person, b: Person): number {
  return a.user.name.localeCompare(b.user.name) || (a.id < b.id ? -1 : 1)
}

/** Of a crowd a few move at a time: the rest was read before. */
const known = new WeakMap<Member, Person | null>()

/** One window as a person; null without a user. */
function personOf(member: Member): Person | null {
  const found = known.get(member)
  if (found !== undefined) return found
  const read = member.user === null ? null : readPerson(member.user, member)
  known.set(member, read)
  return read
}

/** As the server joins devices in its lists: who is not to be shown does nothing. */
function readPerson(user: User, { presence }: Member): Person {
  // What others send need not be what the types say.
  const { status = 'online', activity, typing } = readPresenceFields(presence)
  const isShown = status !== 'offline'
  return {
    id: user.id,
    user,
    status,
    activity: (isShown ? activity : undefined) ?? null,
    isTyping: isShown && typing === true,
    isSelf: false,
  }
}

/** Busy in one window is busy; there in one window is there. */
const strength: Record<Status, number> = { busy: 3, online: 2, away: 1, offline: 0 }

function joined(a: Person, b: Person): Person {
  return {
    ...a,
    status: strength[b.status] > strength[a.status] ? b.status : a.status,
    activity: a.activity ?? b.activity,
    isTyping: a.isTyping || b.isTyping,
    isSelf: a.isSelf || b.isSelf,
  }
}

export function isSamePeople(a: readonly Person[], b: readonly Person[]): boolean {
  return a.length === b.length && a.every((person, index) => isSamePerson(person, b[index]))
}

function isSamePerson(a: Person, b: Person | undefined): boolean {
  return (
    b !== undefined &&
    a.id === b.id &&
    a.user.name === b.user.name &&
    a.user.color === b.user.color &&
    a.user.kind === b.user.kind &&
    a.user.avatar === b.user.avatar &&
    a.status === b.status &&
    a.activity?.kind === b.activity?.kind &&
    a.activity?.target === b.activity?.target &&
    a.isTyping === b.isTyping &&
    a.isSelf === b.isSelf
  )
}
