/** The pages of a space, and who one is here. */
import { LeaveIcon, PageIcon, PlusIcon } from './icons.tsx'
import { initials, type Profile } from './profile.ts'
import { routeTo } from './route.ts'
import { FIRST_PAGE, type PageEntry } from './space-index.ts'

export type SidebarProps = {
  readonly profile: Profile
  readonly space: string
  /** The id of the page that is shown. */
  readonly page: string
  readonly pages: readonly PageEntry[]
  /** `shut`: the person has pages of this space, and may not see which others there are. */
  readonly index: 'shut' | 'readable' | 'writable'
  readonly onAdd: () => void
  readonly onOpenStorage: () => void
}

export function Sidebar(props: SidebarProps) {
  const { profile, space, page, pages, index, onAdd, onOpenStorage } = props
  return (
    <nav className="sidebar" aria-label="Pages">
      <a className="brand" href={routeTo({ space, page: FIRST_PAGE.id })}>
        <img src="/icon.svg" alt="" width={26} height={26} />
        <span>
          weft <small>{space}</small>
        </span>
      </a>
      {index !== 'shut' && (
        <button type="button" className="add" onClick={onAdd} disabled={index === 'readable'}>
          <PlusIcon /> New page
        </button>
      )}
      <PageList pages={pages} space={space} current={page} />
      {profile.kind === 'member' && (
        <p className="second">
          Alone here?{' '}
          <a href={routeTo({ space, page })} target="_blank" rel="noreferrer">
            Open a second window
          </a>{' '}
          and write in both.
        </p>
      )}
      <div className="me">
        <span className="avatar" style={{ backgroundColor: profile.color }} aria-hidden="true">
          {initials(profile.name)}
        </span>
        <span className="me-name">
          {profile.name}
          {profile.kind === 'guest' && <small>guest</small>}
        </span>
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
      {pages.map(({ id, title }) => (
        <li key={id}>
          <a href={routeTo({ space, page: id })} aria-current={id === current ? 'page' : undefined}>
            <PageIcon />
            <span className={title === '' ? 'untitled' : ''}>
              <bdi>{title === '' ? 'Untitled' : title}</bdi>
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}
