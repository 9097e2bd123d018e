/** The workspace: the pages of a space on the left, one of them on the right. */
import { useState } from 'react'
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
import { StorageDrawer } from './storage-drawer.tsx'

export type WorkspaceProps = {
  readonly profile: Profile
}

export function Workspace({ profile }: WorkspaceProps) {
  const { space, page } = useRoute()
  const index = useDocument(indexName(space))
  const doc = index?.doc ?? null
  const pages = usePages(doc)
  const current = pages.find(({ id }) => id === page) ?? { ...FIRST_PAGE, id: page, title: '' }

  const [drawer, setDrawer] = useState<'open' | 'closed'>('closed')
  const openDrawer = () => setDrawer('open')

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
            title="Network, storage and sign out"
            aria-label="Sign out"
            aria-haspopup="dialog"
            onClick={openDrawer}
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
        onOpenStorage={openDrawer}
      />
      {drawer === 'open' && (
        <StorageDrawer
          space={space}
          page={pageName(space, page)}
          pages={pages}
          onClose={() => setDrawer('closed')}
        />
      )}
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
              <bdi>{title === '' ? 'Untitled' : title}</bdi>
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}
