/** What is under a page's title: its text and what one may do with it, or why it is not there. */
import './access/access.css'
import { useEffect, useRef, useState } from 'react'
import type { DocumentView } from '../react/index.ts'
import { AccessNote } from './access/access-note.tsx'
import { SetAsidePanel } from './access/set-aside-panel.tsx'
import { ShutNotice } from './access/shut-notice.tsx'
import type { Standing } from './access/standing.ts'
import { UnsentText, useAsideTexts, type UnsavedText } from './access/use-unsaved-texts.ts'
import { PageEditor } from './page-editor.tsx'
import type { Profile } from './profile.ts'

export type PageBodyProps = {
  readonly view: DocumentView
  readonly standing: Standing
  readonly profile: Profile
}

export function PageBody({ view, standing, profile }: PageBodyProps) {
  const { doc, awareness, handle } = view
  const asides = useAsideTexts(view)
  const { hadAccess, unsent } = useEndOfAccess(view, standing)
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
        <SetAsidePanel texts={[...asides, ...unsent]} />
      </>
    )
  }
  return (
    <>
      <AccessNote page={handle.name} standing={standing} tries={tries} />
      <SetAsidePanel texts={asides} />
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

type EndOfAccess = { readonly hadAccess: boolean; readonly unsent: readonly UnsavedText[] }

/** Looks back from the moment when the page is shut: what was possible, and what was on its way. */
function useEndOfAccess(view: DocumentView, { kind }: Standing): EndOfAccess {
  const [unsentText] = useState(() => new UnsentText())
  const hadAccess = useRef(false)
  const [end, setEnd] = useState<EndOfAccess>({ hadAccess: false, unsent: [] })
  useEffect(() => {
    if (kind === 'shut') {
      const text = view.unsaved === 0 ? '' : unsentText.read(view.doc)
      const unsent = text === '' ? [] : [{ id: null, text, at: Date.now() }]
      setEnd(before =>
        before.unsent.length > 0 ? before : { hadAccess: hadAccess.current, unsent },
      )
      return
    }
    unsentText.watch(view)
    if (view.status.kind === 'live') {
      hadAccess.current = true
      setEnd({ hadAccess: true, unsent: [] })
    }
  }, [view, kind, unsentText])
  return end
}
