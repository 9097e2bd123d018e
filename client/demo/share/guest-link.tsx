/** A link for people from outside: they come in as guests, see nothing yet, and can ask. */
import { useState } from 'react'
import { CheckIcon, LinkIcon } from '../icons.tsx'

export function GuestLink({ link }: { readonly link: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link)
      setState('copied')
    } catch {
      // No permission, or an insecure page: it can be marked and copied by hand.
      setState('failed')
    }
  }
  return (
    <section className="share-section">
      <h3>A link for guests</h3>
      <p className="share-lead">
        Whoever has it can ask for access to this page. It gives none by itself.
      </p>
      <div className="share-add">
        <input
          className="field"
          aria-label="Link for guests"
          readOnly
          value={link}
          onFocus={event => event.target.select()}
        />
        <button type="button" className="outline-button with-icon" onClick={() => void copy()}>
          {state === 'copied' ? <CheckIcon /> : <LinkIcon />}
          {state === 'copied' ? 'Copied' : 'Copy link'}
        </button>
      </div>
      <output className={state === 'failed' ? 'share-lead' : 'visually-hidden'}>
        {state === 'failed' &&
          'The browser does not let this page copy: mark the link and copy it.'}
        {state === 'copied' && 'The link is copied.'}
      </output>
    </section>
  )
}
