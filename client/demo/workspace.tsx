/** The workspace: the pages of a space on the left, one of them on the right. */
import { useState } from 'react'
import { DocumentProvider, useDocument } from '../react/index.ts'
import { useAssistant } from './agent/use-assistant.ts'
import { standingOf } from './access/standing.ts'
import { useTellSpace, type Doing } from './here/use-space-people.ts'
import { PageView } from './page-view.tsx'
import type { Profile } from './profile.ts'
import { routeTo, useRoute, type Route } from './route.ts'
import { Sidebar } from './sidebar.tsx'
import {
  FIRST_PAGE,
  createPage,
  indexName,
  kindOfId,
  pageName,
  renamePage,
  type PageKind,
} from './space-index.ts'
import { StorageDrawer } from './storage-drawer.tsx'
import { usePages } from './use-pages.ts'

export type WorkspaceProps = {
  readonly profile: Profile
}

export function Workspace({ profile }: WorkspaceProps) {
  const route = useRoute()
  return (
    <DocumentProvider name={indexName(route.space)}>
      <Space key={route.space} profile={profile} route={route} />
    </DocumentProvider>
  )
}

type SpaceProps = { readonly profile: Profile; readonly route: Route }

function Space({ profile, route: { space, page } }: SpaceProps) {
  const index = useDocument()
  // Titles are of the index: whoever may not read it has the page that they were invited to.
  const isIndexShut = standingOf(index, profile.kind === 'guest').kind === 'shut'
  const doc = index === null || isIndexShut ? null : index.doc
  const mayWriteIndex = doc !== null && (index?.access ?? 'write') === 'write'
  const known = usePages(doc)
  const unknown = { ...FIRST_PAGE, id: page, kind: kindOfId(page), title: '' }
  const current = known.find(({ id }) => id === page) ?? unknown
  const pages = isIndexShut ? [current] : known
  const [doing, setDoing] = useState<Doing['kind']>('viewing')
  const assistant = useAssistant(space, profile.id)
  useTellSpace(space, { page, kind: doing })

  const [drawer, setDrawer] = useState<'open' | 'closed'>('closed')
  const openDrawer = () => setDrawer('open')

  const addPage = (kind: PageKind) => {
    if (doc === null) return
    location.hash = routeTo({ space, page: createPage(doc, kind) })
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
      <DocumentProvider key={`${space}/${page}`} name={pageName(space, page)}>
        <PageView
          name={pageName(space, page)}
          route={{ space, page }}
          kind={current.kind}
          title={current.title}
          mayRename={mayWriteIndex}
          onRename={title => {
            if (doc !== null) renamePage(doc, current, title)
          }}
          profile={profile}
          assistant={assistant}
          onDoing={setDoing}
          onOpenStorage={openDrawer}
          // What is open to somebody may be more than it was.
          onOpened={() => {
            if (isIndexShut) index?.handle.retry()
          }}
        />
      </DocumentProvider>
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
