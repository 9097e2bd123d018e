/** Who is on this document, as a row of avatars. */
import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { Awareness } from 'y-protocols/awareness'
import { safeColor, safeName } from '../../shared/person.ts'
import { initials } from './profile.ts'

export type Person = { readonly name: string; readonly color: string }
type KnownPerson = Person & { readonly key: string; readonly isSelf: boolean }

const SHOWN_MAX = 5

export function People({ awareness }: { readonly awareness: Awareness }) {
  const people = usePeople(awareness)
  const hidden = people.length - SHOWN_MAX
  return (
    <ul className="people" aria-label="People on this page">
      {people.slice(0, SHOWN_MAX).map(({ key, name, color, isSelf }) => (
        <li
          key={key}
          className="avatar"
          style={{ backgroundColor: color }}
          title={isSelf ? `${name} (you)` : name}
        >
          <span aria-hidden="true">{initials(name)}</span>
          <span className="visually-hidden">{isSelf ? `${name} (you)` : name}</span>
        </li>
      ))}
      {hidden > 0 && (
        <li className="avatar more" title={`${hidden} more`}>
          +{hidden}
        </li>
      )}
    </ul>
  )
}

function usePeople(awareness: Awareness): readonly KnownPerson[] {
  const last = useRef<{ key: string; people: readonly KnownPerson[] }>({ key: '', people: [] })
  const subscribe = useCallback(
    (listener: () => void) => {
      awareness.on('change', listener)
      return () => awareness.off('change', listener)
    },
    [awareness],
  )
  return useSyncExternalStore(subscribe, () => {
    const people = readPeople(awareness)
    const key = JSON.stringify(people)
    if (last.current.key !== key) last.current = { key, people }
    return last.current.people
  })
}

/** Oneself first; others in a steady order. */
function readPeople(awareness: Awareness): readonly KnownPerson[] {
  return [...awareness.getStates()]
    .flatMap(([clientId, state]) => {
      const user = state['user'] as Partial<Person> | null | undefined
      if (typeof user?.name !== 'string') return []
      const isSelf = clientId === awareness.clientID
      const name = safeName(user.name)
      return [{ key: String(clientId), name, color: safeColor(user.color), isSelf }]
    })
    .sort((a, b) => Number(b.isSelf) - Number(a.isSelf) || a.key.localeCompare(b.key))
}
