/** The workspace: the pages of a space on the left, one of them on the right. */
import { useState } from 'react'
import { useDocument } from '../react/index.ts'
import { standingOf } from './access/standing.ts'
import { PageView } from './page-view.tsx'
import type { Profile } from './profile.ts'
import { routeTo, useRoute } from './route.ts'
import { Sidebar } from './sidebar.tsx'
import { FIRST_PAGE, createPage, indexName, pageName, renamePage, usePages } from './space-index.ts'
import { StorageDrawer } from './storage-drawer.tsx'

export type WorkspaceProps = {
  readonly profile: Profile
}

export function Workspace({ profile }: WorkspaceProps) {
  const { space, page } = useRoute()
  const index = useDocument(indexName(space))
  // Titles are of the index: whoever may not read it has the page that they were invited to.
  const isIndexShut = standingOf(index, profile.kind === 'guest').kind === 'shut'
  const doc = index === null || isIndexShut ? null : index.doc
  const mayWriteIndex = doc !== null && (index?.access ?? 'write') === 'write'
  const known = usePages(doc)
  const current = known.find(({ id }) => id === page) ?? { ...FIRST_PAGE, id: page, title: '' }
  const pages = isIndexShut ? [current] : known

  const [drawer, setDrawer] = useState<'open' | 'closed'>('closed')
  const openDrawer = () => setDrawer('open')

  const addPage = () => {
    if (doc === null) return
    location.hash = routeTo({ space, page: createPage(doc, '') })
  }

  return (
    <div className="workspace">
      <Sidebar
        profile={profile}
        space={space}
        page={page}
        pages={pages}
        index={isIndexShut ? 'shut' : mayWriteIndex ? 'writable' : 'readable'}
        onAdd={addPage}
        onOpenStorage={openDrawer}
      />
      <PageView
        key={`${space}/${page}`}
        name={pageName(space, page)}
        route={routeTo({ space, page })}
        title={current.title}
        mayRename={mayWriteIndex}
        onRename={title => {
          if (doc !== null) renamePage(doc, current, title)
        }}
        profile={profile}
        onOpenStorage={openDrawer}
        // What is open to somebody may be more than it was.
        onOpened={() => {
          if (isIndexShut) index?.handle.retry()
        }}
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
