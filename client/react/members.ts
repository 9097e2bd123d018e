/** An awareness as something that React can watch: members keep their identity while unchanged. */
import type { Awareness } from 'y-protocols/awareness'
import type { Readable } from '../sdk/index.ts'
import { readMember, type Member } from './member.ts'

export type Members = {
  /** Everybody but this window, by client id. Not touched by what this window does. */
  readonly others: Readable<readonly Member[]>
  /** null while nobody is told of this window. */
  readonly self: Readable<Member | null>
}

type Changes = Readonly<Record<'added' | 'updated' | 'removed', readonly number[]>>

const known = new WeakMap<Awareness, Members>()

export function membersOf(awareness: Awareness): Members {
  const members = known.get(awareness) ?? createMembers(awareness)
  known.set(awareness, members)
  return members
}

/** Listens for as long as the awareness lives: what is asked for is always what was heard. */
function createMembers(awareness: Awareness): Members {
  const all = new Map<number, Member>()
  let others: readonly Member[] | null = null
  const take = (clientId: number) => {
    const state = awareness.getStates().get(clientId)
    if (state === undefined) all.delete(clientId)
    else all.set(clientId, readMember(clientId, state))
    if (clientId !== awareness.clientID) others = null
  }
  for (const clientId of awareness.getStates().keys()) take(clientId)
  // `change`, not `update`: a state that is only said again is the same member.
  awareness.on('change', ({ added, updated, removed }: Changes) => {
    for (const clientId of [...added, ...updated, ...removed]) take(clientId)
  })
  const subscribe = (listener: () => void) => {
    awareness.on('change', listener)
    return () => awareness.off('change', listener)
  }
  const readOthers = () =>
    [...all.values()]
      .filter(({ clientId }) => clientId !== awareness.clientID)
      .sort((a, b) => a.clientId - b.clientId)

  return {
    others: { subscribe, get: () => (others ??= readOthers()) },
    self: { subscribe, get: () => all.get(awareness.clientID) ?? null },
  }
}
