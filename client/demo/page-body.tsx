/** What is under a page's title: its text and what one may do with it, or why it is not there. */
import './access/access.css'
import { Suspense, lazy, useState } from 'react'
import type { DocumentView } from '../react/index.ts'
import { AccessNote } from './access/access-note.tsx'
import { SetAsidePanel } from './access/set-aside-panel.tsx'
import { ShutNotice } from './access/shut-notice.tsx'
import type { Standing } from './access/standing.ts'
import { useUnsavedTexts } from './access/use-unsaved-texts.ts'
import { Board } from './board/board.tsx'
import { PageEditor } from './page-editor.tsx'
import type { Profile } from './profile.ts'
import type { PageKind } from './space-index.ts'

/** Its editor is fetched when the first page of code is opened. */
const CodeEditor = lazy(async () => ({
  default: (await import('./code/code-editor.tsx')).CodeEditor,
}))

export type PageBodyProps = {
  readonly kind: PageKind
  readonly view: DocumentView
  readonly standing: Standing
  readonly profile: Profile
}

export function PageBody({ kind, view, standing, profile }: PageBodyProps) {
  const { handle } = view
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
        <Editor
          kind={kind}
          view={view}
          profile={profile}
          editable={standing.kind === 'writing' || standing.kind === 'refused'}
          onRefusedKey={() => setTries(before => before + 1)}
        />
      )}
    </>
  )
}

type EditorProps = {
  readonly kind: PageKind
  readonly view: DocumentView
  readonly profile: Profile
  readonly editable: boolean
  readonly onRefusedKey: () => void
}

function Editor({ kind, view, profile, editable, onRefusedKey }: EditorProps) {
  const { doc, awareness } = view
  const given = { doc, awareness, editable, onRefusedKey }
  switch (kind) {
    case 'text':
      return <PageEditor key={doc.guid} {...given} person={profile} />
    case 'board':
      return <Board key={doc.guid} doc={doc} editable={editable} />
    case 'code':
      return (
        <Suspense fallback={<output className="quiet">Opening the editor…</output>}>
          <CodeEditor key={doc.guid} {...given} />
        </Suspense>
      )
  }
}
