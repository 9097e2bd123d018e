/** The Share dialog's facts, and the actions that change them. */
import { useEffect, useRef, useState } from 'react'
import { useClient } from '../../react/index.ts'
import type { ClientAccess } from '../../sdk/index.ts'
import { rememberNames } from './known-names.ts'
import { readShareFacts, type ShareFacts } from './share-facts.ts'
import { sayProblem } from './share-words.ts'

/** Requests come in while the dialog is open. */
const LOOK_EVERY_MS = 4_000

export type Share = {
  /** Null before the first answer. */
  readonly facts: ShareFacts | null
  /** What went wrong last, as a sentence; null when nothing did. */
  readonly problem: string | null
  /** What was done last, for those who do not see the list change; empty at first. */
  readonly done: string
  /** An action is on its way. */
  readonly busy: boolean
  /** Does it, looks again, and says whether it worked; never rejects. */
  readonly act: Act
}

export type Act = (
  action: (access: ClientAccess) => Promise<unknown>,
  done: string,
) => Promise<boolean>

export function useShare(page: string): Share {
  const { access } = useClient()
  const [facts, setFacts] = useState<ShareFacts | null>(null)
  /** Why the last action failed, and why the last look did. */
  const [problem, setProblem] = useState<string | null>(null)
  const [unread, setUnread] = useState<string | null>(null)
  const [done, setDone] = useState('')
  const [busy, setBusy] = useState(false)

  /** Looks now, beside the looks by the clock. */
  const lookNow = useRef(() => Promise.resolve())

  useEffect(() => {
    /** The last look that began: what an earlier one brings is older, and passed over. */
    let last = 0
    const look = async () => {
      const number = (last += 1)
      const read = await readQuietly(access, page)
      if (number !== last) return
      setUnread(typeof read === 'string' ? read : null)
      if (typeof read !== 'string') setFacts(read)
    }
    lookNow.current = look
    void look()
    // Nobody looks at a hidden page.
    const timer = setInterval(() => document.hidden || void look(), LOOK_EVERY_MS)
    return () => {
      last += 1
      clearInterval(timer)
    }
  }, [access, page])

  const act: Act = async (action, said) => {
    setBusy(true)
    setProblem(null)
    setDone('')
    try {
      await action(access)
      setDone(said)
      return true
    } catch (error) {
      setProblem(sayProblem(error))
      return false
    } finally {
      await lookNow.current()
      setBusy(false)
    }
  }
  return { facts, problem: problem ?? unread, done, busy, act }
}

/** The facts, or a sentence that says why they cannot be read. */
async function readQuietly(access: ClientAccess, page: string): Promise<ShareFacts | string> {
  try {
    const facts = await readShareFacts(access, page)
    rememberNames(facts.requests.map(one => [one.requestedBy, one.requesterName] as const))
    return facts
  } catch (error) {
    return sayProblem(error)
  }
}
