/** One face: a picture or initials, with a badge for the status, and what is to be said of it. */
import { useState, type ReactNode, type SyntheticEvent } from 'react'
import type { Person } from '../people.ts'
import { textOn } from './text-on.ts'

export function Avatar({ person }: { readonly person: Person }): ReactNode {
  const { user, status, isSelf } = person
  const [broken, setBroken] = useState<string | null>(null)
  const words = describe(person)
  return (
    <span
      className="weft-avatar"
      role="img"
      // Reachable by keyboard: what the pointer is told, it is told too.
      tabIndex={0}
      aria-label={words}
      data-status={status}
      data-kind={user.kind}
      data-self={isSelf ? '' : undefined}
      onPointerEnter={turnTip}
      onFocus={turnTip}
      style={{ backgroundColor: user.color, color: textOn(user.color) }}
    >
      {user.avatar === undefined || broken === user.avatar ? (
        <span aria-hidden="true">{initials(user.name)}</span>
      ) : (
        <img
          src={user.avatar}
          alt=""
          referrerPolicy="no-referrer"
          onError={() => setBroken(user.avatar ?? null)}
        />
      )}
      <span className="weft-status" aria-hidden="true" />
      <span className="weft-tip" aria-hidden="true">
        {words}
      </span>
    </span>
  )
}

/** What is said of a face at the edge of the window has to stay within it. */
export function turnTip({ currentTarget }: SyntheticEvent<HTMLElement>): void {
  const { left, right } = currentTarget.getBoundingClientRect()
  currentTarget.dataset['tip'] = left + right < window.innerWidth ? 'start' : 'end'
}

function describe({ user, status, activity, isSelf }: Person): string {
  const name = user.name === '' ? 'Somebody' : user.name
  const kind = user.kind === 'user' ? '' : `, ${user.kind}`
  const doing = activity === null ? '' : `, ${activity.kind}`
  return `${name}${isSelf ? ' (you)' : ''}${kind}, ${status}${doing}`
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(word => word !== '')
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words
  const first = (word = '') => Array.from(word)[0] ?? ''
  return letters.map(first).join('').toUpperCase() || '?'
}
