/** The workspace: the pages of a space on the left, one of them on the right. */
import { useDocument } from '../react/index.ts'
import { LeaveIcon, PageIcon, PlusIcon } from './icons.tsx'
import { PageView } from './page-view.tsx'
import { initials, type Profile } from './profile.ts'
import { routeTo, useRoute } from './route.ts'
import {
  FIRST_PAGE,
  createPage,
  indexName,
  pageName,
  renamePage,
  usePages,
  type PageEntry,
} from './space-index.ts'

export type WorkspaceProps = {
  readonly profile: Profile
  readonly onLeave: () => void
}

export function Workspace({ profile, onLeave }: WorkspaceProps) {
  const { space, page } = useRoute()
  const index = useDocument(indexName(space))
  const doc = index?.doc ?? null
  const pages = usePages(doc)
  const current = pages.find(({ id }) => id === page) ?? { ...FIRST_PAGE, id: page, title: '' }

  const addPage = () => {
    if (doc === null) return
    location.hash = routeTo({ space, page: createPage(doc, '') })
  }

  return (
    <div className="workspace">
      <nav className="sidebar" aria-label="Pages">
        <a className="brand" href={routeTo({ space, page: FIRST_PAGE.id })}>
          <img src="/icon.svg" alt="" width={26} height={26} />
          <span>
            weft <small>{space}</small>
          </span>
        </a>
        <button type="button" className="add" onClick={addPage} disabled={doc === null}>
          <PlusIcon /> New page
        </button>
        <PageList pages={pages} space={space} current={page} />
        <p className="second">
          Alone here?{' '}
          <a href={routeTo({ space, page })} target="_blank" rel="noreferrer">
            Open a second window
          </a>{' '}
          and write in both.
        </p>
        <div className="me">
          <span className="avatar" style={{ backgroundColor: profile.color }} aria-hidden="true">
            {initials(profile.name)}
          </span>
          <span className="me-name">{profile.name}</span>
          <button
            type="button"
            title="Use another name"
            aria-label="Use another name"
            onClick={onLeave}
          >
            <LeaveIcon />
          </button>
        </div>
      </nav>
      <PageView
        key={`${space}/${page}`}
        name={pageName(space, page)}
        title={current.title}
        onRename={title => {
          if (doc !== null) renamePage(doc, current, title)
        }}
        profile={profile}
      />
    </div>
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
              {title === '' ? 'Untitled' : title}
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}
