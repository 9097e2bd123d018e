/** The pages of a space, who is in it, and who one is here. */
import { useConnection } from '../react/index.ts'
import { SpacePeople } from './here/space-people.tsx'
import { useSpacePeople } from './here/use-space-people.ts'
import { StatusMenu } from './here/status-menu.tsx'
import { LeaveIcon, PlusIcon } from './icons.tsx'
import { Menu } from './menu.tsx'
import { PageKindIcon, pageKindChoices } from './page-kinds.tsx'
import type { Profile } from './profile.ts'
import { routeTo } from './route.ts'
import { FIRST_PAGE, type PageEntry, type PageKind } from './space-index.ts'

export type SidebarProps = {
  readonly profile: Profile
  readonly space: string
  /** The id of the page that is shown. */
  readonly page: string
  readonly pages: readonly PageEntry[]
  /** `shut`: the person has pages of this space, and may not see which others there are. */
  readonly index: 'shut' | 'readable' | 'writable'
  readonly onAdd: (kind: PageKind) => void
  readonly onOpenStorage: () => void
}

export function Sidebar(props: SidebarProps) {
  const { profile, space, page, pages, index, onAdd, onOpenStorage } = props
  const people = useSpacePeople(space, profile.id)
  // Offline nobody can tell.
  const isAlone = useConnection() === 'connected' && people.length === 0
  return (
    <nav className="sidebar" aria-label="Pages">
      <a className="brand" href={routeTo({ space, page: FIRST_PAGE.id })}>
        <img src="/icon.svg" alt="" width={26} height={26} />
        <span>
          weft <small>{space}</small>
        </span>
      </a>
      {index !== 'shut' && (
        <Menu
          label="Kind of page"
          className="add"
          disabled={index === 'readable'}
          choices={pageKindChoices}
          onChoose={onAdd}
        >
          <PlusIcon /> <span>New page</span>
        </Menu>
      )}
      <PageList pages={pages} space={space} current={page} />
      {index !== 'shut' && <SpacePeople space={space} self={profile.id} pages={pages} />}
      {profile.kind === 'member' && isAlone && (
        <p className="second">
          Alone here?{' '}
          <a href={routeTo({ space, page })} target="_blank" rel="noreferrer">
            Open a second window
          </a>{' '}
          and write in both.
        </p>
      )}
      <div className="me">
        <StatusMenu profile={profile} />
        <button
          type="button"
          title="Network, storage and sign out"
          aria-label="Sign out"
          aria-haspopup="dialog"
          onClick={onOpenStorage}
        >
          <LeaveIcon />
        </button>
      </div>
    </nav>
  )
}

type PageListProps = {
  readonly pages: readonly PageEntry[]
  readonly space: string
  readonly current: string
}

function PageList({ pages, space, current }: PageListProps) {
  return (
    <ul className="pages">
      {pages.map(({ id, kind, title }) => (
        <li key={id}>
          <a
            href={routeTo({ space, page: id })}
            aria-current={id === current ? 'page' : undefined}
            ref={id === current ? moveIntoSight : undefined}
          >
            <PageKindIcon kind={kind} />
            <span className={title === '' ? 'untitled' : ''}>
              <bdi>{title === '' ? 'Untitled' : title}</bdi>
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}

/** The row of a phone has room for two of them, and a long list hides some too. */
function moveIntoSight(link: HTMLElement | null): void {
  link?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}
