/** The public list of `weft/react`. */
export { WeftProvider, useClient, type WeftProviderProps } from './provider.tsx'
export {
  AvatarStack,
  AvatarStack as PresenceIndicator,
  type AvatarStackProps,
} from './components/avatar-stack.tsx'
export { ConnectionBadge, type ConnectionBadgeProps } from './components/connection-badge.tsx'
export {
  LiveCursors,
  LiveCursors as CollaborativeCursors,
  type LiveCursorsProps,
} from './components/live-cursors.tsx'
export {
  SyncErrorBoundary,
  type SyncErrorBoundaryProps,
  type SyncFailure,
} from './components/sync-error-boundary.tsx'
export { TypingIndicator, type TypingIndicatorProps } from './components/typing-indicator.tsx'
export type { Activity } from '../../shared/presence.ts'
export type { Person } from './people.ts'
export { usePeople } from './use-people.ts'
export { useTypers, useTyping, type Typing } from './use-typing.ts'
export type { ClientSettings } from './client-store.ts'
export { DocumentProvider, type DocumentProviderProps } from './document-provider.tsx'
export type { DocumentView } from './document-store.ts'
export type { LoadState } from './load-state.ts'
export type { Member, PointerPlace, Presence, Status, User } from './member.ts'
export { shallowEqual } from './shallow-equal.ts'
export { typedHooks, type TypedHooks } from './typed-hooks.ts'
export { useArray } from './use-array.ts'
export { useConnection, useConnectionState, type Connection } from './use-connection.ts'
export { useDocument } from './use-document.ts'
export { useMap } from './use-map.ts'
export { useClientLife, usePersistence } from './use-offline.ts'
export { useOthers } from './use-others.ts'
export { usePermission, type Permission } from './use-permission.ts'
export { usePresence, type SetPresence } from './use-presence.ts'
export type { IsEqual } from './use-readable.ts'
export { useSaved } from './use-saved.ts'
export { useSelf } from './use-self.ts'
export {
  useSignal,
  type SendSignal,
  type Signal,
  type SignalTypes,
  type UseSignal,
} from './use-signal.ts'
export type { SharedData } from './use-shared-type.ts'
export { useStatus, type OwnStatus } from './use-status.ts'
export { useSpace } from './use-space.ts'
export type { SpaceSnapshot } from './space-store.ts'
export { useText } from './use-text.ts'
