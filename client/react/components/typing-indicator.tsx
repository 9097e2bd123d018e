/** Who else is typing, in a sentence that is read out. */
import type { ReactNode } from 'react'
import type { Person } from '../people.ts'
import { useTypers } from '../use-typing.ts'
import { classNames } from './class-names.ts'

export type TypingIndicatorProps = {
  readonly className?: string
  /** Headless: draws the people that it is given, who may be none. */
  readonly children?: (people: readonly Person[]) => ReactNode
}

export function TypingIndicator({ className, children }: TypingIndicatorProps): ReactNode {
  const people = useTypers()
  if (children !== undefined) return children(people)
  // There when nobody types too: what comes with its words is not read out.
  return (
    <output className={classNames('weft-typing', className)}>
      {people.length > 0 && (
        <>
          <span className="weft-dots" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          {sayTyping(people)}
        </>
      )}
    </output>
  )
}

export function sayTyping(people: readonly Person[]): string {
  const [first = '', second = ''] = people.map(({ user }) => user.name)
  if (people.length === 0) return ''
  if (people.length === 1) return `${first} is typing…`
  if (people.length === 2) return `${first} and ${second} are typing…`
  return `${first} and ${people.length - 1} others are typing…`
}
