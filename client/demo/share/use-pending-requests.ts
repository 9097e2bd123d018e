/** How many people wait for an answer on a page: for those who may give one. */
import { useEffect, useState } from 'react'
import { useClient } from '../../react/index.ts'
import { pendingRequests } from './share-facts.ts'

const LOOK_EVERY_MS = 5_000

export function usePendingRequests(page: string): number {
  const { access } = useClient()
  const [count, setCount] = useState(0)
  useEffect(() => {
    let isWatching = true
    const look = async () => {
      // Nobody looks at a hidden page, and without an answer the last one stays.
      if (document.hidden) return
      const requests = await pendingRequests(access, page).catch(() => null)
      if (isWatching && requests !== null) setCount(requests.length)
    }
    void look()
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    return () => {
      isWatching = false
      clearInterval(timer)
    }
  }, [access, page])
  return count
}
