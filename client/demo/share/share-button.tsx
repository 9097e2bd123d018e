/** Opens the Share dialog, and says how many people wait for an answer. */
import { useState } from 'react'
import type { Awareness } from 'y-protocols/awareness'
import { ShareIcon } from '../icons.tsx'
import type { Profile } from '../profile.ts'
import { namesHere, rememberNames } from './known-names.ts'
import { ShareDialog } from './share-dialog.tsx'
import { usePendingRequests } from './use-pending-requests.ts'

export type ShareButtonProps = {
  readonly page: string
  readonly title: string
  /** Where the page is, as a route of this workspace: `#/space/page`. */
  readonly route: string
  readonly profile: Profile
  /** Of the page: whoever is there can be added by name. */
  readonly awareness: Awareness
}

export function ShareButton(props: ShareButtonProps) {
  const { page, title, route, profile, awareness } = props
  const [dialog, setDialog] = useState<'open' | 'closed'>('closed')
  const waiting = usePendingRequests(page)
  return (
    <>
      <button
        type="button"
        className="share-button"
        aria-haspopup="dialog"
        aria-label={waiting === 0 ? 'Share' : `Share, ${waiting} waiting for an answer`}
        onClick={() => {
          rememberNames(namesHere(awareness))
          setDialog('open')
        }}
      >
        <ShareIcon />
        <span>Share</span>
        {waiting > 0 && <span className="count">{waiting}</span>}
      </button>
      {dialog === 'open' && (
        <ShareDialog
          page={page}
          title={title}
          link={`${location.origin}/?guest=1${route}`}
          self={profile}
          onClose={() => setDialog('closed')}
        />
      )}
    </>
  )
}
