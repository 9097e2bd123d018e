/** The Share dialog's facts, and the actions that change them. */
import { useEffect, useState } from 'react'
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
  const [problem, setProblem] = useState<string | null>(null)
  const [done, setDone] = useState('')
  const [busy, setBusy] = useState(false)

  useEffect(() => {
    let isWatching = true
    const look = async () => {
      const read = await readQuietly(access, page)
      if (!isWatching) return
      if (typeof read === 'string') setProblem(read)
      else setFacts(read)
    }
    void look()
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    return () => {
      isWatching = false
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
      const read = await readQuietly(access, page)
      if (typeof read === 'string') setProblem(read)
      else setFacts(read)
      setBusy(false)
    }
  }
  return { facts, problem, done, busy, act }
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
