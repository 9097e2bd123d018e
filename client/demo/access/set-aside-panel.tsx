/** Text that the server did not take: to be seen, copied and taken elsewhere. */
import { useState } from 'react'
import { CheckIcon, CloseIcon, CopyIcon } from '../icons.tsx'
import { sayTime } from '../storage-words.ts'
import type { UnsavedText } from './use-unsaved-texts.ts'

export type SetAsidePanelProps = {
  readonly texts: readonly UnsavedText[]
}

/** Dismissed ones stay in the drawer of network and storage until they are dropped there. */
export function SetAsidePanel({ texts }: SetAsidePanelProps) {
  const [dismissed, setDismissed] = useState(readDismissed)
  const shown = texts.filter(({ id }) => id === null || !dismissed.has(id))
  const dismiss = (id: number) => setDismissed(rememberDismissed(id))
  return shown.map(one => <SetAsideText key={one.id ?? 'unsent'} of={one} onDismiss={dismiss} />)
}

type SetAsideTextProps = {
  readonly of: UnsavedText
  readonly onDismiss: (id: number) => void
}

function SetAsideText({ of: { id, text, at }, onDismiss }: SetAsideTextProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('copied')
    } catch {
      setState('failed')
    }
  }
  return (
    <section className="aside-panel" aria-label="Set aside: not saved">
      <header>
        <div role="alert">
          <h2>Set aside: not saved</h2>
        </div>
        <time>{sayTime(at)}</time>
        {id !== null && (
          <button
            type="button"
            className="quiet-button"
            aria-label="Dismiss"
            title="Dismiss; it stays under Network and storage"
            onClick={() => onDismiss(id)}
          >
            <CloseIcon />
          </button>
        )}
      </header>
      <p>You may not edit this page any more, so these last words of yours are not in it.</p>
      {text === '' ? (
        <p className="aside-none">No words: formatting or deletions.</p>
      ) : (
        <>
          <blockquote className="aside-text">{text}</blockquote>
          <button type="button" className="outline-button with-icon" onClick={() => void copy()}>
            {state === 'copied' ? <CheckIcon /> : <CopyIcon />}
            {state === 'copied' ? 'Copied' : 'Copy text'}
          </button>
        </>
      )}
      <output className={state === 'failed' ? '' : 'visually-hidden'}>
        {state === 'failed' && ' Mark the text and copy it: the browser does not let this page.'}
        {state === 'copied' && 'The text is copied.'}
      </output>
    </section>
  )
}

const KEY = 'weft dismissed'
const DISMISSED_MAX = 100

function readDismissed(): ReadonlySet<number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return new Set(Array.isArray(stored) ? stored.filter(id => typeof id === 'number') : [])
  } catch {
    // Shown once more is better than not shown.
    return new Set()
  }
}

function rememberDismissed(id: number): ReadonlySet<number> {
  const dismissed = new Set([...readDismissed(), id])
  try {
    localStorage.setItem(KEY, JSON.stringify([...dismissed].slice(-DISMISSED_MAX)))
  } catch {
    // It is hidden for as long as the window lives.
  }
  return dismissed
}
