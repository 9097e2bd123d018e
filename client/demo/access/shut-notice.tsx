/** In place of a page that somebody may not see (any more): calm, and with a way back. */
import { useEffect, useState } from 'react'
import { useClient } from '../../react/index.ts'
import type { DocumentHandle } from '../../sdk/index.ts'
import { LockIcon } from '../icons.tsx'
import type { Profile } from '../profile.ts'
import { AskForAccess } from './ask-for-access.tsx'
import { useOwnRequest } from './use-own-request.ts'

const LOOK_EVERY_MS = 3_000

export type ShutNoticeProps = {
  readonly handle: DocumentHandle
  readonly profile: Profile
  /** They could see it a moment ago. */
  readonly hadAccess: boolean
}

export function ShutNotice({ handle, profile, hadAccess }: ShutNoticeProps) {
  const asking = useOwnRequest(handle.name)
  useLocalCopyForgotten(handle)
  useComeBack(handle)
  return (
    <section className="shut" aria-labelledby="shut-title">
      <span className="shut-icon">
        <LockIcon />
      </span>
      <div role="alert">
        <h1 id="shut-title">
          {hadAccess ? 'Your access has ended' : 'This page is not open to you'}
        </h1>
      </div>
      <p>
        {hadAccess
          ? 'The page and its copy on this device are closed. What you saved stays with the page.'
          : 'Ask for access: an owner of the page gives it, and it opens here by itself.'}
      </p>
      <AskForAccess
        asking={asking}
        roles={['viewer', 'commenter', 'editor']}
        verb="Ask for access"
      />
      <OwnId id={profile.id} />
    </section>
  )
}

/** An owner can let somebody in by their id, unasked. */
function OwnId({ id }: { readonly id: string }) {
  const [state, setState] = useState<'idle' | 'copied'>('idle')
  const copy = async () => {
    // Without the permission the id can be marked and copied by hand.
    await navigator.clipboard.writeText(id).then(
      () => setState('copied'),
      () => {},
    )
  }
  return (
    <p className="own-id">
      Your id: <code>{id}</code>{' '}
      <button type="button" className="text-button" onClick={() => void copy()}>
        {state === 'copied' ? 'Copied' : 'Copy'}
      </button>
    </p>
  )
}

/**
 * What may no longer be read does not stay on the device, to be seen after the next load. Changes that
 * the server lacks are the person's own, and keep their copy.
 */
function useLocalCopyForgotten(handle: DocumentHandle): void {
  const { offline } = useClient()
  useEffect(() => {
    void offline.forget(handle.name).catch(() => {})
  }, [offline, handle])
}

/** Access may come without a request of this window: the server is asked now and then. */
function useComeBack(handle: DocumentHandle): void {
  const { access } = useClient()
  useEffect(() => {
    let isWatching = true
    const look = async () => {
      if (document.hidden) return
      const query = { document: handle.name, capability: 'read' } as const
      const answer = await access.explain(query).catch(() => null)
      if (isWatching && answer?.allowed === true) handle.retry()
    }
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    return () => {
      isWatching = false
      clearInterval(timer)
    }
  }, [access, handle])
}
