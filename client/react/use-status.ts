import type { PresenceStatus } from '../sdk/index.ts'
import { useClient } from './provider.tsx'
import { useReadable } from './use-readable.ts'

export type OwnStatus = {
  /** As others see it: `away` by itself when nobody is at the device. */
  readonly current: PresenceStatus
  /** What was chosen. */
  readonly chosen: PresenceStatus
  /** In all tabs of this user. */
  readonly choose: (status: PresenceStatus) => void
}

/** The status of this user on all documents, and the function that changes it. */
export function useStatus(): OwnStatus {
  const { status } = useClient()
  const current = useReadable(status.current, 'online')
  const chosen = useReadable(status.chosen, 'online')
  return { current, chosen, choose: status.choose }
}
