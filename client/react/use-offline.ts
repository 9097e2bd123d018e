/** Hooks on what this device holds. */
import { useSyncExternalStore } from 'react'
import type { ClientLife, PersistenceState } from '../sdk/index.ts'
import { useClient } from './provider.tsx'

/** Does this device keep copies; if not, why. */
export function usePersistence(): PersistenceState {
  const { state } = useClient().offline
  return useSyncExternalStore(state.subscribe, state.get, state.get)
}

/** `signed out` when the user signed out, here or in another tab. */
export function useClientLife(): ClientLife {
  const { life } = useClient()
  return useSyncExternalStore(life.subscribe, life.get, life.get)
}
