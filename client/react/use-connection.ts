import { useSyncExternalStore } from 'react'
import type { ConnectionState } from '../sdk/index.ts'
import { useClient } from './provider.tsx'

/** `disconnected`: cut off, waiting for the next try, or not needed by any document. */
export type Connection = 'connecting' | 'connected' | 'disconnected'

const words = {
  idle: 'disconnected',
  paused: 'disconnected',
  waiting: 'disconnected',
  connecting: 'connecting',
  open: 'connected',
} as const satisfies Record<ConnectionState['kind'], Connection>

const onServer = () => 'disconnected' as const

/** Whether there is a connection, in one word. */
export function useConnection(): Connection {
  const { connection } = useClient()
  return useSyncExternalStore(connection.subscribe, () => words[connection.get().kind], onServer)
}

const idle: ConnectionState = { kind: 'idle' }

/** All that is known of the socket: attempts, and when the next one is. */
export function useConnectionState(): ConnectionState {
  const { connection } = useClient()
  return useSyncExternalStore(connection.subscribe, connection.get, () => idle)
}
