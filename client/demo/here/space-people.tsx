/** Who else is in the space, what they do, and the way to where they are. */
import './here.css'
import { routeTo } from '../route.ts'
import type { PageEntry } from '../space-index.ts'
import { Face } from './face.tsx'
import { sayDoing } from './say-doing.ts'
import { useSpacePeople, type SpacePerson } from './use-space-people.ts'

export type SpacePeopleProps = {
  readonly space: string
  readonly self: string
  readonly pages: readonly PageEntry[]
}

/** More than anybody looks through. */
const SHOWN_MAX = 30

export function SpacePeople({ space, self, pages }: SpacePeopleProps) {
  const people = useSpacePeople(space, self)
  if (people.length === 0) return null
  return (
    <section className="here" aria-labelledby="here-title">
      <h2 id="here-title">Here now</h2>
      <ul>
        {people.slice(0, SHOWN_MAX).map(person => (
          <li key={person.user.id}>
            <PersonHere
              person={person}
              space={space}
              page={pages.find(({ id }) => id === person.viewing)}
            />
          </li>
        ))}
      </ul>
      {people.length > SHOWN_MAX && <p>and {people.length - SHOWN_MAX} more</p>}
    </section>
  )
}

type PersonHereProps = {
  readonly person: SpacePerson
  readonly space: string
  readonly page: PageEntry | undefined
}

function PersonHere({ person, space, page }: PersonHereProps) {
  const { user, status } = person
  const content = (
    <>
      <Face name={user.name} color={user.color} kind={user.kind} status={status} />
      <span className="here-words">
        <span className="here-name">
          <bdi>{user.name}</bdi>
          {user.kind !== 'user' && <small className="kind-badge">{user.kind}</small>}
          {status === 'busy' && <span className="visually-hidden">, busy</span>}
        </span>
        <span className="here-doing">
          <bdi>{sayDoing(person, page)}</bdi>
        </span>
      </span>
    </>
  )
  // Nowhere to go: on a page that is not in the list.
  if (page === undefined) return <div className="here-person">{content}</div>
  return (
    <a className="here-person" href={routeTo({ space, page: page.id })}>
      {content}
    </a>
  )
}
