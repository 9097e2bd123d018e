/**
 * Who is in the space and what they do: its own presence, which no page has to be open for. Whoever
 * was invited to a single page is not in it, and sees nobody.
 */
import { useEffect, useMemo } from 'react'
import { useSpace, type Member, type User } from '../../react/index.ts'
import {
  readPresenceFields,
  type Activity,
  type PresenceFields,
  type PresenceStatus,
} from '../../sdk/index.ts'

/** What this window does: the id of the page that it shows, and whether somebody writes on it. */
export type Doing = { readonly page: string; readonly kind: 'writing' | 'viewing' }

/** Somebody else, with all of their windows. */
export type SpacePerson = {
  readonly user: User
  readonly status: PresenceStatus
  readonly activity: Activity | null
  /** The id of a page. */
  readonly viewing: string | null
}

/** Tells the space what this window does, for as long as it does it. */
export function useTellSpace(space: string, { page, kind }: Doing): void {
  const tell = useSpace(space, ({ setPresence }) => setPresence)
  useEffect(() => {
    const told: PresenceFields = {
      viewing: page,
      activity: { kind, target: page },
      typing: kind === 'writing' ? true : undefined,
    }
    tell(told)
  }, [tell, page, kind])
}

/** Everybody else, by name; without those who are not to be shown as here. */
export function useSpacePeople(space: string, self: string): readonly SpacePerson[] {
  const others = useSpace(space, seen => seen.others)
  return useMemo(() => spacePeople(others, self), [others, self])
}

export function spacePeople(others: readonly Member[], self: string): readonly SpacePerson[] {
  const people = new Map<string, SpacePerson>()
  for (const { user, presence } of others) {
    if (user === null || user.name === '' || user.id === self) continue
    const { status = 'online', activity = null, viewing = null } = readPresenceFields(presence)
    if (status === 'offline') continue
    const window: SpacePerson = { user, status, activity, viewing }
    const known = people.get(user.id)
    people.set(user.id, known === undefined ? window : busier(known, window))
  }
  return [...people.values()].toSorted(
    (a, b) => a.user.name.localeCompare(b.user.name) || a.user.id.localeCompare(b.user.id),
  )
}

/** Of two windows of one person the one in which more happens. */
function busier(a: SpacePerson, b: SpacePerson): SpacePerson {
  const [first, second] = rank(b) > rank(a) ? [b, a] : [a, b]
  const status = [a, b].some(window => window.status === 'busy') ? 'busy' : first.status
  return { ...second, ...first, status }
}

function rank({ status, activity }: SpacePerson): number {
  return (status === 'away' ? 0 : 2) + (activity?.kind === 'writing' ? 1 : 0)
}
