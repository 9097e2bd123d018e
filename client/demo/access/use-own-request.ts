/** What became of the access that the person who looks has asked for. */
import { useEffect, useState } from 'react'
import { useClient } from '../../react/index.ts'
import type { AccessRequest, AccessRequestView } from '../../sdk/index.ts'
import { sayProblem } from '../share/share-words.ts'

export type OwnRequest =
  /** Nothing was asked, or it was a while ago. */
  | { readonly kind: 'none' }
  | { readonly kind: 'pending'; readonly view: AccessRequestView }
  /** Granted, denied, expired, cancelled: see its status. */
  | { readonly kind: 'answered'; readonly view: AccessRequestView }
  | { readonly kind: 'failed'; readonly problem: string }

export type Asking = {
  readonly own: OwnRequest
  readonly ask: (order: { readonly role: string; readonly reason: string }) => void
  readonly cancel: () => void
}

export function useOwnRequest(page: string): Asking {
  const { access } = useClient()
  const [request, setRequest] = useState<AccessRequest | null>(null)
  const [own, setOwn] = useState<OwnRequest>({ kind: 'none' })
  const fail = (error: unknown) => setOwn({ kind: 'failed', problem: sayProblem(error) })

  // What was asked before the page was loaded anew still waits for its answer.
  useEffect(() => {
    let isWatching = true
    const find = async () => {
      const query = { status: 'pending', mine: true } as const
      const found = await access.requests(query).catch(() => null)
      const view = found?.requests.find(({ resource }) => resource === page)
      if (isWatching && view !== undefined) setRequest(access.follow(view))
    }
    void find()
    return () => {
      isWatching = false
    }
  }, [access, page])

  useEffect(() => {
    if (request === null) return
    const show = () => {
      const view = request.state.get()
      setOwn({ kind: view.status === 'pending' ? 'pending' : 'answered', view })
    }
    show()
    return request.state.subscribe(show)
  }, [request])

  return {
    own,
    ask({ role, reason }) {
      const why = reason.trim() === '' ? {} : { reason: reason.trim() }
      access.request({ document: page, role, ...why }).then(setRequest, fail)
    },
    cancel() {
      if (request === null) return
      access.cancel(request.id).then(view => {
        setRequest(null)
        setOwn({ kind: 'answered', view })
      }, fail)
    },
  }
}
