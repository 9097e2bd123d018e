/** What is under a page's title: its text and what one may do with it, or why it is not there. */
import './access/access.css'
import { useState } from 'react'
import type { DocumentView } from '../react/index.ts'
import { AccessNote } from './access/access-note.tsx'
import { SetAsidePanel } from './access/set-aside-panel.tsx'
import { ShutNotice } from './access/shut-notice.tsx'
import type { Standing } from './access/standing.ts'
import { useUnsavedTexts } from './access/use-unsaved-texts.ts'
import { PageEditor } from './page-editor.tsx'
import type { Profile } from './profile.ts'

export type PageBodyProps = {
  readonly view: DocumentView
  readonly standing: Standing
  readonly profile: Profile
}

export function PageBody({ view, standing, profile }: PageBodyProps) {
  const { doc, awareness, handle } = view
  const texts = useUnsavedTexts(view, standing)
  const [hadAccess, setHadAccess] = useState(false)
  if (!hadAccess && view.status.kind === 'live') setHadAccess(true)
  const [tries, setTries] = useState(0)
  const [last, setLast] = useState(standing.kind)
  if (last !== standing.kind) {
    setLast(standing.kind)
    setTries(0)
  }
  const isShown = standing.kind !== 'shut' && standing.kind !== 'waiting'
  if (standing.kind === 'shut') {
    return (
      <>
        <ShutNotice handle={handle} profile={profile} hadAccess={hadAccess} />
        <SetAsidePanel texts={texts} />
      </>
    )
  }
  return (
    <>
      <AccessNote page={handle.name} standing={standing} tries={tries} />
      <SetAsidePanel texts={texts} />
      {standing.kind === 'refused' && (
        <p className="notice" role="alert">
          {standing.error.message}. What is on this device stays here.
        </p>
      )}
      {isShown && (
        <PageEditor
          key={doc.guid}
          doc={doc}
          awareness={awareness}
          person={profile}
          editable={standing.kind === 'writing' || standing.kind === 'refused'}
          onRefusedKey={() => setTries(before => before + 1)}
        />
      )}
    </>
  )
}
