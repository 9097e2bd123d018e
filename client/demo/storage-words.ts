/** States of network and storage, in words that are true and short. */
import type { ConnectionState, DocumentStatus, PersistenceState } from '../sdk/index.ts'

export type Said = { readonly tone: 'good' | 'warn' | 'bad' | 'quiet'; readonly text: string }

export function sayConnection({ kind }: ConnectionState): Said {
  switch (kind) {
    case 'open':
      return { tone: 'good', text: 'Connected' }
    case 'connecting':
      return { tone: 'quiet', text: 'Connecting…' }
    case 'waiting':
      return { tone: 'warn', text: 'No connection, trying again' }
    case 'paused':
      return { tone: 'warn', text: 'Cut off by you' }
    case 'idle':
      return { tone: 'quiet', text: 'Not needed just now' }
  }
}

export function sayStatus(status: DocumentStatus): Said {
  switch (status.kind) {
    case 'live':
      return { tone: 'good', text: status.access === 'read' ? 'Live, read only' : 'Live' }
    case 'offline':
      return { tone: 'warn', text: 'Offline' }
    case 'blocked':
      return { tone: 'warn', text: status.error.message }
    case 'refused':
      return { tone: 'bad', text: status.error.message }
    case 'connecting':
    case 'authenticating':
    case 'loading':
    case 'syncing':
      return { tone: 'quiet', text: 'Catching up…' }
  }
}

const reasons = {
  quota: 'The browser’s storage is full.',
  unavailable: 'The browser gives this page no storage, as in some private windows.',
  blocked: 'The browser’s storage does not answer.',
  failed: 'The browser’s storage failed.',
}

export function sayPersistence(state: PersistenceState): Said {
  if (state.kind === 'ok') return { tone: 'good', text: 'Keeps a copy of what you open' }
  return { tone: 'bad', text: reasons[state.reason] }
}

export function sayBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

export function sayChanges(changes: number): string {
  return `${changes} unsent ${changes === 1 ? 'change' : 'changes'}`
}

export function sayTime(at: number): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
}
