/** Says to readers and commenters what they may do here, and lets them ask for more. */
import { useState } from 'react'
import { EyeIcon } from '../icons.tsx'
import { AskForAccess } from './ask-for-access.tsx'
import type { Standing } from './standing.ts'
import { useOwnRequest } from './use-own-request.ts'

export type AccessNoteProps = {
  readonly page: string
  readonly standing: Standing
  /** How often somebody tried to type where they may not. */
  readonly tries: number
}

type Said = { readonly title: string; readonly text: string }

export function AccessNote({ page, standing, tries }: AccessNoteProps) {
  const said = say(standing.kind)
  if (said === null) return null
  return (
    <section className="access-note" aria-label="Your access">
      {/* Another element after each try: the browser plays the movement again. */}
      <EyeIcon key={tries} />
      <div className="access-words">
        <p>
          <b>{said.title}</b> {said.text}
        </p>
        {tries > 0 && (
          <p className="access-tried" role="alert" key={tries}>
            What you typed was not entered.
          </p>
        )}
        {standing.kind !== 'outdated' && <AskToEdit page={page} />}
      </div>
    </section>
  )
}

function AskToEdit({ page }: { readonly page: string }) {
  const asking = useOwnRequest(page)
  const [form, setForm] = useState<'open' | 'closed'>('closed')
  if (form === 'closed' && asking.own.kind === 'none') {
    return (
      <button type="button" className="text-button" onClick={() => setForm('open')}>
        Ask to edit
      </button>
    )
  }
  return <AskForAccess asking={asking} roles={['editor']} verb="Ask to edit" />
}

function say(kind: Standing['kind']): Said | null {
  switch (kind) {
    case 'reading':
      return { title: 'You can read this page.', text: 'To change it, ask one of its owners.' }
    case 'commenting':
      return {
        title: 'You can comment on this page.',
        text: 'To change its text, ask one of its owners.',
      }
    case 'outdated':
      return {
        title: 'This page is newer than this window.',
        text: 'Load the window again to write on it.',
      }
    case 'waiting':
    case 'writing':
    case 'shut':
    case 'refused':
      return null
  }
}
