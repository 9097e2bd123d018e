/** Members as people: one entry for each, however many windows they have. */
import { readPresenceFields } from '../sdk/index.ts'
import { statuses, type Member, type Status, type User } from './member.ts'

export type Person = {
  /** The user's id. */
  readonly id: string
  readonly user: User
  readonly status: Status
  /** What they are doing, in words. */
  readonly activity: string | null
  readonly isTyping: boolean
  readonly isSelf: boolean
}

const ACTIVITY_LENGTH_MAX = 80

/** Oneself first, then by name. Who has not said who they are is nobody to show. */
export function peopleOf(others: readonly Member[], self: Member | null): readonly Person[] {
  const people = new Map<string, Person>()
  const add = (member: Member, isSelf: boolean) => {
    if (member.user === null) return
    const known = people.get(member.user.id)
    const person = personOf(member.user, member, isSelf)
    people.set(person.id, known === undefined ? person : joined(known, person))
  }
  if (self !== null) add(self, true)
  for (const other of others) add(other, false)
  return [...people.values()].sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || compare(a, b))
}

function compare(a: Person, b: Person): number {
  return a.user.name.localeCompare(b.user.name) || (a.id < b.id ? -1 : 1)
}

function personOf(user: User, { presence }: Member, isSelf: boolean): Person {
  // What others send need not be what the types say.
  const { status, activity, typing } = presence as Readonly<Record<string, unknown>>
  return {
    id: user.id,
    user,
    status: isStatus(status) ? status : 'online',
    activity: readActivity(activity),
    isTyping: typing === true,
    isSelf,
  }
}

/** In words, or as `{ kind, target }`, of which the kind is one. */
function readActivity(given: unknown): string | null {
  if (typeof given === 'string') return given.slice(0, ACTIVITY_LENGTH_MAX)
  return readPresenceFields({ activity: given }).activity?.kind ?? null
}

function isStatus(given: unknown): given is Status {
  return statuses.some(status => status === given)
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
    a.activity === b.activity &&
    a.isTyping === b.isTyping &&
    a.isSelf === b.isSelf
  )
}
