/** Who is here, as a row of faces, each with its status. */
import type { ReactNode } from 'react'
import type { Person } from '../people.ts'
import { usePeople } from '../use-people.ts'
import { Avatar, turnTip } from './avatar.tsx'
import { classNames } from './class-names.ts'

export type AvatarStackProps = {
  /** Further people are a number. */
  readonly max?: number
  /** Without oneself. */
  readonly othersOnly?: boolean
  readonly className?: string
  /** What the list is called for screen readers. */
  readonly label?: string
  /** Headless: draws the people that it is given, in whatever way. */
  readonly children?: (people: readonly Person[], hidden: number) => ReactNode
}

const SHOWN_MAX = 5

const others = (people: readonly Person[]) => people.filter(({ isSelf }) => !isSelf)
const everybody = (people: readonly Person[]) => people

export function AvatarStack(props: AvatarStackProps): ReactNode {
  const { max = SHOWN_MAX, othersOnly = false, className, label = 'People here', children } = props
  const people = usePeople(othersOnly ? others : everybody)
  const shown = people.slice(0, max)
  const hidden = people.slice(max)
  if (children !== undefined) return children(shown, hidden.length)
  return (
    <ul className={classNames('weft-avatars', className)} aria-label={label}>
      {shown.map((person, index) => (
        // The first lies on top, or the badges would be covered.
        <li key={person.id} style={{ zIndex: shown.length - index }}>
          <Avatar person={person} />
        </li>
      ))}
      {hidden.length > 0 && (
        <li>
          <span
            className="weft-avatar weft-more"
            role="img"
            tabIndex={0}
            onPointerEnter={turnTip}
            onFocus={turnTip}
            aria-label={`${hidden.length} more: ${hidden.map(({ user }) => user.name).join(', ')}`}
          >
            <span aria-hidden="true">+{hidden.length}</span>
            <span className="weft-tip" aria-hidden="true">
              {hidden.map(({ user }) => user.name).join(', ')}
            </span>
          </span>
        </li>
      )}
    </ul>
  )
}
