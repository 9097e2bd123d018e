/** What is on this device, looked at again and again while somebody looks. */
import { useEffect, useState } from 'react'
import type { AsideCopy, OfflineDocument, WeftClient } from '../sdk/index.ts'

export type DeviceCopies = {
  readonly documents: readonly OfflineDocument[]
  readonly asides: readonly AsideCopy[]
}

const LOOK_EVERY_MS = 1_000

/** Null before the first look. */
export function useDeviceCopies(client: WeftClient): DeviceCopies | null {
  const [copies, setCopies] = useState<DeviceCopies | null>(null)
  useEffect(() => {
    let isWatching = true
    const look = async () => {
      const [documents, asides] = await Promise.all([
        client.offline.list(),
        // Without a store there are none; the drawer says what is wrong with it.
        client.offline.setAside().catch((): readonly AsideCopy[] => []),
      ])
      if (!isWatching) return
      const sorted = documents.toSorted(byLastOpened)
      const next = { documents: sorted, asides }
      setCopies(before => (isSame(before, next) ? before : next))
    }
    void look()
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    return () => {
      isWatching = false
      clearInterval(timer)
    }
  }, [client])
  return copies
}

function byLastOpened(a: OfflineDocument, b: OfflineDocument): number {
  return b.lastOpened - a.lastOpened || a.name.localeCompare(b.name)
}

function isSame(a: DeviceCopies | null, b: DeviceCopies): boolean {
  const key = ({ documents, asides }: DeviceCopies) =>
    JSON.stringify([documents, asides.map(({ id, unsaved }) => [id, unsaved])])
  return a !== null && key(a) === key(b)
}
