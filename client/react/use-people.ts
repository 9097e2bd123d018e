import { useMemo } from 'react'
import type { Readable } from '../sdk/index.ts'
import type { Member } from './member.ts'
import { isSamePeople, peopleOf, type Person } from './people.ts'
import { NOBODY, useOthersSource, useSelfSource } from './use-members.ts'
import { useSelected } from './use-readable.ts'

/**
 * Who is on the nearest document: everybody once, oneself first. Renders when that changes, and
 * not when somebody's cursor moves.
 */
export function usePeople(select: (people: readonly Person[]) => readonly Person[] = all) {
  const everybody = useEverybody()
  return useSelected(everybody, {
    select: ({ others, self }) => select(peopleOf(others, self)),
    isEqual: isSamePeople,
    onServer: nobody,
  })
}

type Everybody = { readonly others: readonly Member[]; readonly self: Member | null }

const nobody: Everybody = { others: NOBODY, self: null }
const all = (people: readonly Person[]) => people

function useEverybody(): Readable<Everybody> {
  const others = useOthersSource()
  const self = useSelfSource()
  return useMemo(() => together(others, self), [others, self])
}

function together(
  others: Readable<readonly Member[]>,
  self: Readable<Member | null>,
): Readable<Everybody> {
  let last = nobody
  return {
    get() {
      const now = { others: others.get(), self: self.get() }
      if (now.others !== last.others || now.self !== last.self) last = now
      return last
    },
    // Both hear of every change.
    subscribe: others.subscribe,
  }
}
